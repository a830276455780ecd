project = "Backpropagation by hand"
extensions = ["gradproof.sphinx_ext"]
html_theme = "alabaster"
html_theme_options = {"nosidebar": True}
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
exclude_patterns = ["_build"]
