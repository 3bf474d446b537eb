"""A right port that misbehaves as its first argument says; the rest of its answers are the reference's."""

import json
import os
import re
import subprocess
import sys
import time

import numpy as np

from focal_ref import sigmoid_focal_loss_value_and_gradient

HOW = sys.argv[1] if len(sys.argv) > 1 else ""
DECLARATION = {
    "protocol": 1,
    "name": "abused",
    "version": "1",
    "dtypes": ["float64"],
    "gives": ["value", "gradient"],
    "losses": {"sigmoid_focal": {}},
}


def say(message):
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def array(numbers):
    numbers = np.asarray(numbers)
    return {"dtype": "float64", "shape": list(numbers.shape), "data": [repr(float(n)) for n in numbers.ravel()]}


def read(message):
    numbers = np.array([float(number) for number in message["data"]])
    return numbers.astype(message["dtype"]).reshape(message["shape"])


def answer(call):
    alpha = None if call["alpha"] is None else float(call["alpha"])
    settings = {"alpha": alpha, "gamma": float(call["gamma"]), "reduction": call["reduction"]}
    logits, targets = read(call["logits"]), read(call["targets"])
    results = sigmoid_focal_loss_value_and_gradient(logits, targets, **settings)
    return {"id": call["id"], "value": array(results[0]), "gradient": array(results[1])}


def spoilt(reply):
    value = reply["value"]
    if HOW == "null data":
        value["data"] = None
    elif HOW == "null number":
        value["data"][0] = None
    elif HOW == "complex":
        value["data"][0] = "1+2j"
    elif HOW == "true":
        value["data"][0] = True
    elif HOW == "one number too few":
        value["data"].pop()
    elif HOW == "unknown dtype":
        value["dtype"] = "float8"
    elif HOW == "another dtype":
        value["dtype"] = "float32"
    elif HOW == "another shape":
        value["shape"] = [1, *value["shape"]]
    elif HOW == "negative length":
        value["shape"] = [-1]
    elif HOW == "another id":
        reply["id"] = "0"
    elif HOW == "no gradient":
        del reply["gradient"]
    elif HOW == "misspelt":
        reply["gradeint"] = reply.pop("gradient")
    elif HOW == "no id":
        del reply["id"]
    elif HOW == "nan literal":
        return re.sub(r'"data": \["[^"]*"', '"data": [NaN', json.dumps(reply), count=1)
    elif HOW == "huge integer":
        return re.sub(r'"data": \["[^"]*"', f'"data": [1{"0" * 400}', json.dumps(reply), count=1)
    elif HOW == "refused and answered":
        reply["refused"] = "no"
    elif HOW == "twice":
        return json.dumps(reply) + "\n" + json.dumps(reply)
    elif HOW == "empty line":
        return "\n" + json.dumps(reply)
    elif HOW == "a list":
        return json.dumps([reply])
    elif HOW == "deep":
        return "[" * 100_000
    return reply


def misbehave(call, count):
    if HOW == "hangs at run":
        time.sleep(3600)
    elif HOW == "hangs with a child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        with open(sys.argv[2], "w", encoding="ascii") as file:
            file.write(f"{child.pid} {os.getpid()}")
        time.sleep(3600)
    elif HOW == "crashes":
        raise MemoryError("out of everything")
    elif HOW == "aborts":
        os.abort()
    elif HOW == "exits after five" and count == 5:
        sys.exit(0)
    elif HOW == "exits, its child stays":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
        os._exit(7)
    elif HOW == "closes stdin":
        os.close(0)
        say(answer(call))
        time.sleep(3600)
    elif HOW == "closes stdout":
        os.close(1)
        time.sleep(3600)
    elif HOW == "floods stderr":
        for _ in range(300):
            sys.stderr.write("noise \x1b[31m" * 2000 + "\n")
    elif HOW == "floods stdout":
        while True:
            os.write(1, b"noise " * 10_000)
    elif HOW == "floods stdout with lines":
        while True:
            os.write(1, b"noise\n" * 10_000)
    elif HOW == "invalid utf-8":
        os.write(1, b'{"id": "\xff"}\n')
    elif HOW == "prints":
        print("loss is", 0.5)
    elif HOW == "refuses everything":
        return {"id": call["id"], "refused": "not today\nnor tomorrow"}
    return spoilt(answer(call))


def main():
    if HOW == "hangs at start":
        time.sleep(3600)
    if HOW == "crashes at start":
        sys.exit("cannot find my weights")
    for count, line in enumerate(sys.stdin):
        call = json.loads(line)
        if call["type"] == "start":
            declaration = dict(DECLARATION)
            if HOW == "another protocol":
                declaration["protocol"] = 2
            if HOW == "unknown loss":
                declaration["losses"] = {"dice": {}}
            if HOW == "unknown field":
                declaration["losses"] = {"sigmoid_focal": {"alpha_of": True}}
            say({"id": call["id"], **declaration})
        elif call["type"] == "stop":
            if HOW == "hangs at stop":
                time.sleep(3600)
            if HOW == "speaks after stop":
                say("goodbye")
            sys.exit(3 if HOW == "fails at stop" else 0)
        else:
            reply = misbehave(call, count)
            if reply is not None:
                say(reply)


main()
