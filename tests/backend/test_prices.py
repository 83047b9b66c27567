"""A price is exact, whatever way it is written and whatever the caller's decimal context is."""

import decimal
import math
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tripwire_db.errors import InvalidInput
from tripwire_db.validation import MAX_PRICE, parse_price


@given(price=st.decimals(min_value=0, max_value=MAX_PRICE, places=2))
def test_a_price_keeps_its_value_exactly(price: Decimal):
    assert parse_price(price) == price
    assert parse_price(str(price)) == price
    assert not parse_price(price).is_signed()


@pytest.fixture(params=["little precision", "small exponents", "every trap"])
def odd_context(request: pytest.FixtureRequest) -> Iterator[None]:
    """A decimal context that a caller may have set for purposes of its own."""
    odd = {
        "little precision": decimal.Context(prec=2),
        "small exponents": decimal.Context(prec=3, Emin=-1, Emax=1),
        "every trap": decimal.Context(prec=2, traps=list(decimal.Context().traps)),
    }
    with decimal.localcontext(odd[request.param]):
        yield


@pytest.mark.parametrize("value", ["1234567.89", "999999999999.99", "0.01", 19.9, 10**12, "0E-999999", "-0.00", "1E+3"])
def test_a_price_is_exact_whatever_the_decimal_context_of_its_caller_is(odd_context: None, value: object):
    price = parse_price(value)
    assert price is not None
    assert price.compare(Decimal(str(value)), context=decimal.Context()) == 0


def test_what_is_no_price_is_refused_whatever_the_decimal_context_is(odd_context: None):
    for value in ("0.001", "1E-999999", "1e999999", "sNaN", "x", 10**5000, -(10**5000), "9" * 10**6):
        with pytest.raises(InvalidInput, match="price"):
            parse_price(value)


@pytest.mark.parametrize(
    ("value", "sent"),
    [("0E-999999", "0.00"), ("5000", "5000"), ("1e3", "1000"), ("-0", "0"), ("4999.500000", "4999.50"), (5, "5")],
)
def test_a_price_is_sent_with_no_more_digits_than_there_is_to_say(value: object, sent: str):
    assert str(parse_price(value)) == sent


@pytest.mark.parametrize(("value", "price"), [(None, None), (0, 0), (-0.0, 0), (19.9, Decimal("19.90")), ("1e3", 1000)])
def test_a_price_may_be_written_in_several_ways(value, price):
    assert parse_price(value) == price


@pytest.mark.parametrize(
    "value", [-1, Decimal("-0.01"), math.nan, math.inf, "NaN", True, 0.001, MAX_PRICE + 1, "free", []]
)
def test_what_is_no_price_is_refused(value):
    with pytest.raises(InvalidInput, match="price"):
        parse_price(value)
