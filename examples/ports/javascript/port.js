// The sigmoid focal loss in JavaScript, in double precision and in float32 by Math.fround after every operation,
// and the harness through which `focal-ref verify 'cmd:node port.js'` asks for it.
"use strict";
const readline = require("node:readline");

// ---- The loss: value and gradient of one element. `r` rounds each result to the precision.

const ROUND = { float64: (x) => x, float32: Math.fround };

function sigmoidFocal(x, t, alphaT, gamma, r) {
  if (Number.isNaN(x)) return [NaN, NaN];
  if (alphaT === 0) return [0, 0];
  const times = (a, b) => (a === 0 || b === 0 ? 0 : r(a * b)); // the limit where b is infinite
  const u = r(1 - t);
  const e = r(Math.exp(-Math.abs(x))); // p and 1 - p from one exponential: subtracting would cancel
  const near = r(1 / r(1 + e)), far = r(e / r(1 + e));
  const [p, q] = x >= 0 ? [near, far] : [far, near];
  const log1p = r(Math.log1p(e));
  const negative = times(t, r(Math.max(-x, 0) + log1p)), positive = times(u, r(Math.max(x, 0) + log1p));
  const crossEntropy = r(negative + positive);
  const rest = r(r(p * u) + r(q * t)); // 1 - p_t
  let slope = 0; // p q / (1 - p_t)
  if (t === 0) slope = q;
  else if (t === 1) slope = p;
  else if (far !== 0) slope = r(1 / r(r(u / q) + r(t / p)));
  const modulator = r(alphaT * r(Math.pow(rest, gamma)));
  const inner = times(times(gamma, slope), crossEntropy);
  const gradient = r(modulator * r(r(r(u - t) * inner) + r(r(u * p) - r(t * q))));
  return [times(modulator, crossEntropy), gradient];
}

// ---- The harness: one JSON object a line in, one a line out.

const DECLARATION = {
  protocol: 1,
  name: "focal-javascript",
  version: "1.0",
  dtypes: ["float64", "float32"],
  gives: ["value", "gradient"],
  losses: { sigmoid_focal: {} },
};

function check(holds, rule) {
  if (!holds) throw new RangeError(rule);
}

function run(call) {
  const r = ROUND[call.logits.dtype];
  check(call.loss === "sigmoid_focal", `there is no loss ${call.loss}`);
  check(r !== undefined, `logits must be float64 or float32, got ${call.logits.dtype}`);
  check(JSON.stringify(call.logits.shape) === JSON.stringify(call.targets.shape), "targets must have the shape of logits");
  check((call.soft_targets ?? "linear") === "linear" && !call.detach_modulator, "the rule is linear");
  const alpha = call.alpha === null ? null : Number(call.alpha ?? "0.25"), gamma = Number(call.gamma ?? "2");
  check(alpha === null || (alpha >= 0 && alpha <= 1), `alpha must lie in [0, 1], got ${call.alpha}`);
  check(gamma >= 0, `gamma must be >= 0, got ${call.gamma}`);
  const value = [], gradient = [], logits = call.logits.data.map(Number); // Number reads Infinity and NaN, too
  call.targets.data.map(Number).forEach((t, i) => {
    check(t >= 0 && t <= 1, `targets must lie in [0, 1], got ${t}`);
    const alphaT = alpha === null ? 1 : r(r(alpha * t) + r(r(1 - alpha) * r(1 - t)));
    [value[i], gradient[i]] = sigmoidFocal(logits[i], t, alphaT, gamma, r);
  });
  // JSON has no word for infinities: every number travels as a string.
  const array = (shape, data) => ({ dtype: call.logits.dtype, shape, data: data.map(String) });
  const reduction = call.reduction ?? "none";
  if (reduction === "none") return { value: array(call.logits.shape, value), gradient: array(call.logits.shape, gradient) };
  check(reduction === "sum" || reduction === "mean", `reduction must be none, sum or mean, got ${reduction}`);
  const divisor = reduction === "mean" ? Math.max(1, value.length) : 1;
  const total = r(value.reduce((sum, loss) => sum + loss, 0) / divisor);
  return { value: array([], [total]), gradient: array(call.logits.shape, gradient.map((g) => r(g / divisor))) };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const call = JSON.parse(line);
  if (call.type === "stop") process.exit(0);
  let answer = DECLARATION;
  try {
    if (call.type === "run") answer = run(call);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    answer = { refused: error.message };
  }
  process.stdout.write(JSON.stringify({ id: call.id, ...answer }) + "\n");
});
