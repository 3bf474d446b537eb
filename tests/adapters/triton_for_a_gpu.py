"""Compile the Triton kernel for a GPU that need not be there, in a process without Triton's interpreter."""

from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from focal_adapters.torch_triton import BLOCK
from focal_adapters.torch_triton_kernel import focal

USUAL = {
    "CLASSES": 1,
    "INDICES": False,
    "BALANCED": True,
    "PER_CLASS": False,
    "HALVES": 4,
    "DETACHED": False,
    "SUM": True,
    "VALUE": True,
    "GRADIENT": True,
    "SCALED": False,
    "KEPT": False,
    "BLOCK": BLOCK,
}
OTHERS = [
    {},
    {"SUM": False},
    {"HALVES": 3},
    {"HALVES": -1},
    {"DETACHED": True, "BALANCED": False},
    {"INDICES": True, "CLASSES": 80},
    {"PER_CLASS": True, "CLASSES": 80},
    {"SCALED": True},
    {"SCALED": True, "KEPT": True, "VALUE": False},
    {"GRADIENT": False},
]


def compiled(dtype, others):
    constants = {**USUAL, "HALF": dtype == "bf16", **others}
    wide = "fp64" if dtype == "fp64" else "fp32"
    targets = "*i64" if constants["INDICES"] else f"*{dtype}"
    pointers = {"x_ptr": f"*{dtype}", "t_ptr": targets, "alpha_ptr": f"*{wide}"}
    signature = {**pointers, "value_ptr": f"*{wide}", "gradient_ptr": f"*{dtype}"}
    signature |= {"scale_ptr": f"*{wide}", "kept_ptr": f"*{wide}", "count": "i32"}
    signature |= {"alpha_bits": "i64", "gamma_bits": "i64", **dict.fromkeys(constants, "constexpr")}
    aligned = {(place,): [["tt.divisibility", 16]] for place in range(8)}
    return compile(ASTSource(focal, signature, constants, aligned), target=GPUTarget("cuda", 90, 32)).asm["ptx"]


for dtype, others in [*(("fp32", others) for others in OTHERS), ("bf16", {}), ("fp64", {"HALVES": -1})]:
    text = compiled(dtype, others)
    assert ("ld.global.v2.b64" if dtype == "fp64" else "ld.global.v4.b32") in text, "no vector loads"
    # Where exp(-|x|) is subnormal, so are losses.
    assert not {"ex2.approx.ftz.f32", "mul.ftz.f32", "add.ftz.f32"} & set(text.split()), "flushes subnormals"
    print("compiled", dtype, others)
