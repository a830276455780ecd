"""Equations: the doors into them, the rule, matrix form, print and proof.

The files here are the ground. A newcomer starts with ``equation.py`` (the type) and
``derive/adjoint.py`` (the rule).

    equation      the one data type: index equations in order, recurrences among them
    validation    what makes a value of it valid
    substitution  terms with other indices, other names, other arrays in them
    solving       guards solved for a bound index, which is then gone
    mixed_radix   [k l + p = k l' + p'] of reshaped axes as [p = p'] [l = l']
    dependence    what follows from what: the one walk over a system
    evaluator     a system gone through with numbers, in any arithmetic
    functions     ACTIVATIONS and other scalar functions, with what follows from a definition
    elementwise   SCALARS: functions of an entry by the names that texts and NumPy code call them
    special       log Γ and its derivatives
    made          classes of functions that are made as needed, found again by pickles
    relations     conditions of pieces as relations joined by and, or
    safeguards    a program without its clips to 1e-7 and the like, and what these were
    one_hot_rows  the place of the one in a one-hot row, as a sum over the row
    assumptions   what is assumed of an array, as data
    escaping      text from outside as each medium may hold it
    shapes        shapes as text: "m n"
    limits        how large what comes from outside may be: text, numbers, files
    places        a place in the user's source, in words: a line of a file, of a cell
    rationals     exact numbers as people write them: 0.01, 1/3

The folders build on it, each on those named behind the arrow (a test holds it):

    layers/      what arrays and layers compute, as equations       -> ground
    tracing/     a NumPy function, run once on symbolic sizes       -> ground, layers
    text/        equations and formulas as text                     -> ground, layers, tracing
    specs/       networks, models, their TOML files                 -> ground, layers, text
    latex/       LaTeX as people write it, read into equations      -> ground, layers, text, specs
    matrices/    index equations as products of matrices            -> ground
    derive/      the rule, and what makes its result short          -> ground, matrices
    reread/      printed formulas read back, with their shapes      -> nothing
    display/     equations as Unicode and LaTeX, the reasons   -> ground, matrices, derive, reread
    normalform/  arrays as polynomials in atoms                     -> ground
    exact/       values in fractions, and else in many digits       -> ground
    splitting/   a loss in blocks of a batch, where it is a sum     -> ground
    proof/       are two arrays equal, and the first that is not    -> ground, normalform, exact

The three doors (text, specs, tracing) never meet the rule, the rule never meets a door, and the
proof meets neither.
"""
