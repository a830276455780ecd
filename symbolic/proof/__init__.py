"""Are two arrays equal for all values and sizes, and which is the first that is not?

Numbers propose, normal forms prove. How a verdict follows is :mod:`gradproof.checks`.

    certificate      a proof's steps gone through again, in finite fields
    compared_values  data at the numbers that a program compares them with
    digits           axes of size m t split into axes of sizes m and t: what reshapes flattened
    ends             arrays cut at the ends of an axis, where slices wrote them in other ways
    first_wrong      the first array of a hand-written pass that goes wrong, and by which factor
    induction        arrays of a recurrence, proven equal to left arrays together
    prover           the entry of this folder: pairs of arrays proven, from the small to the large
    ratios           the pointwise factor between a wrong array and the right one, found by numbers
    recheck          a proof looked at once more, in fractions or 60 digits, without normal forms
    reevaluation     arrays of a system as residues, equation by equation
    residue_bodies   scalar bodies of terms, on values that are residues
    residues         arrays as residues modulo a chain of primes
    sampling         random values for inputs, and what they say about pairs of arrays
    sides            two systems side by side, and one step between them: left = factor · right
    unrolling        axes of size 3 written out as three arrays: windows, kernels, gates
"""
