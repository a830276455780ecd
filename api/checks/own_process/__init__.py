"""Hand-written files in a process of their own, which can be ended.

    child       what runs there: the file, and one check after the other
    parent      what asks it for answers, and says what is known where none comes
    submission  functions that another file, the exercise, marks: both sides of it
"""
