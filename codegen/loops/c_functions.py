"""What C texts call: functions of one number, each finite wherever its value is; and the names
that an array may not have in C."""

from __future__ import annotations

import re

FUNCTIONS = {
    "sigmoid": "static inline double sigmoid(double z) {\n"
               "    double e = exp(-fabs(z));\n    return (z >= 0 ? 1 : e)/(1 + e);\n}\n",
    "softplus": "static inline double softplus(double z) {\n"
                "    return (z > 0 ? z : 0) + log1p(exp(-fabs(z)));\n}\n",
    "softplus_ratio": "static inline double softplus_ratio(double z) {\n"
                      "    double e = exp(-(z > -37 ? z : -37));\n"
                      "    return z < -37 ? 1 : ((z > 0 ? z : 0) + log1p(exp(-fabs(z))))*(1 + e);\n"
                      "}\n",
    "relu": "static inline double relu(double z) { return z > 0 ? z : z != z ? z : 0; }\n",
    "step": "static inline double step(double z) { return z > 0; }\n",
    "sign_of": "static inline double sign_of(double z) {\n"
               "    return z > 0 ? 1 : z < 0 ? -1 : z;\n}\n",
    "choose": "static inline double choose(double gap, double yes, double no) {\n"
              "    return gap > 0 ? yes : no;\n}\n",
    "maximum": "static inline double maximum(double a, double b) {\n"
               "    return a != a || a > b ? a : b;\n}\n",
    "minimum": "static inline double minimum(double a, double b) {\n"
               "    return a != a || a < b ? a : b;\n}\n",
    "quotient": "static inline long quotient(long a, long b) {  /* rounded down */\n"
                "    return a/b - (a % b != 0 && (a < 0) != (b < 0));\n}\n",
}
"""Functions that a text brings along."""

GEMM = """\
typedef void gemm_t(const char *, const char *, const int *, const int *, const int *,
                    const real *, const real *, const int *, const real *, const int *,
                    const real *, real *, const int *);

/* out[rows, columns] = left[rows, inner] right[inner, columns], where the rows of what stands there
   are `apart`, and what is turned stands the other way around.  Column after column, out is its
   transpose. */
static void multiply(gemm_t *gemm, long rows, long inner, long columns,
                     const real *left, long left_apart, int left_turned,
                     const real *right, long right_apart, int right_turned, real *out) {
    const int m = (int)columns, n = (int)rows, k = (int)inner;
    const int a = (int)right_apart, b = (int)left_apart;
    const real one = 1, zero = 0;
    gemm(right_turned ? "T" : "N", left_turned ? "T" : "N", &m, &n, &k, &one, right, &a, left, &b,
         &zero, out, &m);
}
"""
"""What a text with products of matrices brings along."""

VECTORS = "#ifdef VECTORS\n" + "".join(
    f'__attribute__((simd("notinbranch"))) double {name}(double);\n' for name in (
        "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "asinh",
        "acosh", "atanh", "tanh", "erf", "erfc", "log1p", "expm1")) + "#endif\n"
"""Functions that glibc's libmvec has for several numbers at once."""

CALLED = {
    **{name: name for name in (
        "sigmoid", "softplus", "softplus_ratio", "relu", "step", "choose", "maximum", "minimum",
        "tanh", "erf", "erfc", "log1p", "expm1", "quotient")},
    "abs": "fabs", "sign": "sign_of", "root": "pow", "gammaln": "lgamma",
}
"""What scalar bodies and sizes call, as C texts call it."""

KNOWN = frozenset((
    "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "asinh",
    "acosh", "atanh", "tanh", "erf", "erfc", "lgamma", "log1p", "expm1", "pow", "fabs", "fmax",
    "fmin", "floor", "ceil"))
"""Functions of math.h that a body may call."""

MACROS = re.compile(r"_[A-Z_]\w*|unix|linux|math_errhandling|HUGE_VAL[FL]|"
                    r"(M|FP|MATH)_[A-Z0-9_]*[A-Z0-9]|(U?INT|SIZE|PTRDIFF|WCHAR|WINT|SIG)[A-Z0-9_]*_(MIN|MAX)")
"""Names that a compiler, math.h, stddef.h or stdint.h may have for something else."""

RESERVED = frozenset(FUNCTIONS) | KNOWN | frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else",
    "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register",
    "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
    "union", "unsigned", "void", "volatile", "while", "bool", "true", "false", "asm", "typeof",
    "alignas", "alignof", "constexpr", "nullptr", "static_assert", "thread_local",
    "real", "value", "sum", "sums", "first", "end", "next", "work", "gemm", "gemm_t", "multiply",
    "size_t", "int64_t",
    "main", "NULL", "NAN", "INFINITY", "HUGE_VAL"))
"""Names that C, or the text, has for something else."""
