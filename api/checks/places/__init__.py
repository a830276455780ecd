"""Where else to look: points that drawn numbers do not come to by themselves.

    beyond_safeguards  subjects without clips to 1e-7 and the like, and what these do
    branches         points that reach branches no other point took, and branches none reaches
    coincidences     points with the very numbers that a program compares its arrays with
    divided          what one side divides by, and the other does not show
    likeness         what arrays of numbers are like, and other arrays like them
    near_enough      what differs by no more than a search that ends near enough does
    second_derivatives  what is no gradient and was not meant as one
    scope            where a proof holds, in words
    size_cases       code that takes another way for some sizes, case by case
"""
