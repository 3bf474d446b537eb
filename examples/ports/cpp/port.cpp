// Focal losses in C++17, and the harness through which `focal-ref verify cmd:./port` asks for them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

// ---- The losses, in float or double: value and gradient of one element, of one row.

template <class T> T times(T a, T b) { return a == 0 || b == 0 ? 0 : a * b; }  // the limit where b is infinite

template <class T> void sigmoid_focal(T x, T t, T alpha_t, T gamma, T& value, T& gradient) {
    if (std::isnan(x) || alpha_t == 0) { value = gradient = std::isnan(x) ? x : 0; return; }
    const T e = std::exp(-std::abs(x)), near = 1 / (1 + e), far = e / (1 + e);  // 1 - p from the same exponential
    const T p = x >= 0 ? near : far, q = x >= 0 ? far : near, log1p = std::log1p(e);
    const T cross_entropy = times(t, std::max(-x, T(0)) + log1p) + times(1 - t, std::max(x, T(0)) + log1p);
    const T rest = p * (1 - t) + q * t;  // 1 - p_t as a sum of what cannot cancel
    const T slope = t == 0 ? q : t == 1 ? p : far == 0 ? T(0) : 1 / ((1 - t) / q + t / p);  // p q / (1 - p_t)
    const T modulator = alpha_t * std::pow(rest, gamma), inner = times(times(gamma, slope), cross_entropy);
    value = times(modulator, cross_entropy);
    gradient = modulator * (((1 - t) - t) * inner + ((1 - t) * p - t * q));
}

template <class T> struct Sum {  // a sum, and what its rounding lost (Knuth)
    T high = 0, low = 0;
    void add(T b) {
        const T sum = high + b, seen = sum - high;
        if (std::isfinite(sum)) low += (high - (sum - seen)) + (b - seen);
        high = sum;
    }
};
template <class T> Sum<T> difference(T a, T b) { Sum<T> d; if (a != b) { d.add(a); d.add(-b); } return d; }

template <class T> void softmax_focal(const T* x, size_t classes, size_t y, T alpha, T gamma, T& value, T* gradient) {
    T largest = -INFINITY;  // of the other classes: y is held against them
    for (size_t j = 0; j < classes; j++) if (j != y) largest = std::max(largest, x[j]);
    const bool nan = std::any_of(x, x + classes, [](T logit) { return std::isnan(logit); });
    std::fill(gradient, gradient + classes, value = nan ? T(NAN) : T(0));
    if (nan || largest == -INFINITY || alpha == 0) return;
    std::vector<T> other(classes);
    Sum<T> total;
    for (size_t j = 0; j < classes; j++) {
        const Sum<T> d = difference(x[j], largest);
        if (j != y) total.add(other[j] = std::exp(d.high) * (1 + d.low));
    }
    const T others = total.high + total.low;
    const Sum<T> margin = difference(x[y], largest);
    const bool likely = margin.high > 0;  // (1 - p_y) / p_y, or its inverse: neither overflows
    const T ratio = likely ? others * std::exp(-margin.high) * (1 - margin.low)
                           : std::exp(margin.high) * (1 + margin.low) / others;
    const T p = (likely ? 1 : ratio) / (1 + ratio), q = (likely ? ratio : 1) / (1 + ratio);
    const T minus_log_p = likely || 1 / ratio < 1e3 ? std::log1p(likely ? ratio : 1 / ratio)
                                                    : (std::log(others) - margin.low - margin.high) + std::log1p(ratio);
    const T modulator = alpha * std::pow(q, gamma), inner = times(times(gamma, p), minus_log_p) + q;
    value = times(modulator, minus_log_p);
    for (size_t j = 0; j < classes; j++) gradient[j] = modulator * inner * (j == y ? T(-1) : other[j] / others);
}

// ---- The harness: one JSON object a line in, one a line out.

using Numbers = std::vector<double>;
// The raw text of a field; names of one message are unique but for those inside arrays, which are looked up there.
std::string field(const std::string& object, const std::string& name) {
    const size_t at = object.find('"' + name + "\":");
    if (at == std::string::npos) return "";
    const size_t begin = object.find_first_not_of(' ', at + name.size() + 3);
    size_t end = begin, depth = 0;
    for (; end < object.size() && (depth || (object[end] != ',' && object[end] != '}')); end++)
        depth += (object[end] == '[' || object[end] == '{') - (object[end] == ']' || object[end] == '}');
    return object.substr(begin, end - begin);
}

std::string word(const std::string& raw) { return raw.empty() ? raw : raw.substr(1, raw.size() - 2); }

Numbers numbers(const std::string& raw) {  // of a number, an array or null; strtod reads Infinity and NaN
    Numbers result;
    for (const char* s = raw.c_str(); *s && *s != 'n';) {
        if (std::strchr("[]\", ", *s)) { s++; continue; }
        char* end = nullptr;
        result.push_back(std::strtod(s, &end)), s = end;
    }
    return result;
}

void print(const char* name, const std::string& dtype, const Numbers& shape, const Numbers& data) {
    std::printf(",\"%s\":{\"dtype\":%s,\"shape\":[", name, dtype.c_str());
    for (size_t i = 0; i < shape.size(); i++) std::printf("%s%.0f", i ? "," : "", shape[i]);
    std::printf("],\"data\":[");
    for (size_t i = 0; i < data.size(); i++) std::printf("%s\"%.17g\"", i ? "," : "", data[i]);
    std::printf("]}");
}

void require(bool holds, const char* rule) { if (!holds) throw std::invalid_argument(rule); }
template <class T> void run(const std::string& call) {
    const bool rows = word(field(call, "loss")) == "softmax_focal";
    const std::string inputs = field(call, "logits"), labels = field(call, "targets"), dtype = field(inputs, "dtype");
    const std::string rule = word(field(call, "soft_targets")), reduction = word(field(call, "reduction"));
    const Numbers x = numbers(field(inputs, "data")), t = numbers(field(labels, "data"));
    const Numbers alphas = numbers(field(call, "alpha")), shape = numbers(field(inputs, "shape"));
    const T gamma = T(numbers(field(call, "gamma")).at(0));
    Numbers losses(shape.begin(), shape.end() - (rows && !shape.empty()));
    require(!rows || !shape.empty(), "softmax_focal takes logits of at least one axis");
    require(numbers(field(labels, "shape")) == losses, "targets must have the shape of the losses");
    require(!rows || word(field(labels, "dtype")) == "int64", "softmax_focal takes class indices alone");
    for (const double alpha : alphas) require(alpha >= 0 && alpha <= 1, "alpha must lie in [0, 1]");
    require(gamma >= 0, "gamma must be >= 0");
    require((rule.empty() || rule == "linear") && field(call, "detach_modulator") != "true", "the rule is linear");
    require(reduction == "none" || reduction == "sum" || reduction == "mean", "reduction must be none, sum or mean");
    const size_t count = t.size(), classes = rows ? size_t(shape.back()) : 1;
    const std::vector<T> logits(x.begin(), x.end());
    std::vector<T> value(count), gradient(x.size());
    for (size_t i = 0; i < count; i++) {
        require(t[i] >= 0 && t[i] <= (rows ? double(classes - 1) : 1), "targets must lie in [0, 1], or be a class");
        const size_t row = i * classes, y = rows ? size_t(t[i]) : 0;
        const T soft = T(t[i]), alpha = T(alphas.empty() ? 1 : alphas[alphas.size() > 1 ? y : 0]);
        const T alpha_t = alphas.empty() ? T(1) : alpha * soft + (1 - alpha) * (1 - soft);
        if (rows) softmax_focal(&logits[row], classes, y, alpha, gamma, value[i], &gradient[row]);
        else sigmoid_focal(logits[i], soft, alpha_t, gamma, value[i], gradient[i]);
    }
    Numbers results(value.begin(), value.end()), slopes(gradient.begin(), gradient.end());
    if (reduction != "none") {
        const double divisor = reduction == "mean" ? std::max(1.0, double(count)) : 1;
        results = {double(T(std::accumulate(results.begin(), results.end(), 0.0) / divisor))}, losses.clear();
        for (double& slope : slopes) slope = double(T(slope / divisor));
    }
    print("value", dtype, losses, results);
    print("gradient", dtype, shape, slopes);
}

int main() {
    for (std::string call; std::getline(std::cin, call) && word(field(call, "type")) != "stop";) {
        const std::string type = word(field(call, "type")), dtype = word(field(field(call, "logits"), "dtype"));
        std::printf("{\"id\":%s", field(call, "id").c_str());
        try {
            if (type == "start")
                std::printf(R"(,"protocol":1,"name":"focal-cpp","version":"1.0","dtypes":["float32","float64"],)"
                            R"("gives":["value","gradient"],"losses":{"sigmoid_focal":{},)"
                            R"("softmax_focal":{"targets":"indices","alpha_by_class":true,"zero_d":false}})");
            else if (dtype == "float32") run<float>(call);
            else if (dtype == "float64") run<double>(call);
            else throw std::invalid_argument("logits must be float32 or float64");
        } catch (const std::invalid_argument& error) { std::printf(",\"refused\":\"%s\"", error.what()); }
        std::puts("}"), std::fflush(stdout);
    }
}
