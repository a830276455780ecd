"""Equations evaluated exactly: fractions while they stay rational, from then on many digits.

Both that look at results by other means stand on this: a proof's second look (`proof.recheck`) and
the worked numbers of reports.  Nothing of the normal forms is in here, nor floats; values of fast
programs are `codegen`'s.

    evaluation  every entry of every array of a system
    numbers     arithmetic on fractions and numbers of so many digits
    scalars     scalar expressions, their conditions in any arithmetic, on such numbers
"""
