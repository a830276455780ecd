"""Where else to look: points that drawn numbers do not come to by themselves.

    branches         points that reach branches no other point took, and branches none reaches
    coincidences     points with the very numbers that a program compares its arrays with
    likeness         what arrays of numbers are like, and other arrays like them
    scope            where a proof holds, in words
"""
