"""What ``gradproof check`` writes for other programs: one function a format.

What is found is in :mod:`gradproof.checks.results`; how it is printed for people, there as well.

    grading     how much of it an author is told, and what it is worth
    records     JSON, as check.schema.json says
    github      annotations for the lines of a pull request
    junit       JUnit's XML: what servers for continuous integration show
    sarif       SARIF 2.1.0: findings with places and edits, for editors and code scanning
    gradescope  Gradescope's results.json: a submission's points
"""
