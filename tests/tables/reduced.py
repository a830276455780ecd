"""A reduction of one array, as several test files build it."""

from gradproof.symbolic.equation import slot


def reduced(builder, argument, over=None, **options):
    """The sum (or another reduction) over the axes `over`; over all when it is None."""
    return builder.contract(slot(0), argument, over=over, **options)
