use proptest::prelude::*;

use super::*;

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

#[test]
fn reads_and_shows() {
    for (text, shown, shortest) in [
        ("0", "0.000000000000000000", "0"),
        ("-0.0", "0.000000000000000000", "0"),
        ("12.50", "12.500000000000000000", "12.5"),
        ("-12.5", "-12.500000000000000000", "-12.5"),
        ("1e3", "1000.000000000000000000", "1000"),
        ("9.77e-7", "0.000000977000000000", "0.000000977"),
        (".5", "0.500000000000000000", "0.5"),
        ("1E-18", "0.000000000000000001", "0.000000000000000001"),
        // What is beyond the decimals is floored, towards less.
        (
            "0.0000000000000000019",
            "0.000000000000000001",
            "0.000000000000000001",
        ),
        (
            "-0.0000000000000000011",
            "-0.000000000000000002",
            "-0.000000000000000002",
        ),
        ("1e-400", "0.000000000000000000", "0"),
        ("-1e-400", "-0.000000000000000001", "-0.000000000000000001"),
        ("0e999999999999", "0.000000000000000000", "0"),
        (
            "170141183460469231731.687303715884105727",
            "170141183460469231731.687303715884105727",
            "170141183460469231731.687303715884105727",
        ),
    ] {
        let amount = amount(text);
        assert_eq!(amount.to_string(), shown, "{text}");
        assert_eq!(amount.shortest(), shortest, "{text}");
    }
    assert_eq!(serde_json::to_value(amount("1")).unwrap(), "1.000000000000000000");
    assert_eq!(amount("0.333333333").to_f64(), 0.333333333);
}

#[test]
fn refuses_what_is_no_sum() {
    for text in [
        "", "-", ".", "e1", "1e", "1e+", "--1", "1.2.3", "0x1", " 1", "NaN", "inf", "1_0", "١",
    ] {
        assert_eq!(Amount::parse(text), Err(AmountError::NotANumber), "{text:?}");
        assert_eq!(Decimal::parse(text), Err(AmountError::NotANumber), "{text:?}");
    }
    assert_eq!(
        Amount::parse(&"1".repeat(TEXT_LIMIT + 1)),
        Err(AmountError::NotANumber)
    );
    assert_eq!(Decimal::parse("-1"), Err(AmountError::NotANumber));
    for text in [
        "170141183460469231731.687303715884105728",
        "1e21",
        "1e999999999999",
    ] {
        assert_eq!(Amount::parse(text), Err(AmountError::Overflow), "{text:?}");
    }
    assert_eq!(Decimal::parse("1e1200"), Err(AmountError::Overflow));
}

#[test]
fn arithmetic_stays_in_bounds() {
    let greatest = Amount::from_units(i128::MAX);
    assert_eq!(greatest.checked_add(Amount::from_units(1)), None);
    assert_eq!(
        Amount::from_units(i128::MIN).checked_sub(Amount::from_units(1)),
        None
    );
    assert_eq!(greatest.checked_mul(2), None);
    assert_eq!(
        amount("0.5").checked_mul(86_400),
        Some(Amount::from_whole(43_200))
    );
    assert_eq!(-Amount::from_units(i128::MIN), greatest);
    assert_eq!(Amount::from_units(i128::MIN).to_string().len(), 41);
}

/// The results are those of Python's `decimal` with 28 digits.
#[test]
fn operations_round_as_the_network_does() {
    let decimal = |text| Decimal::parse(text).unwrap();
    let third = Decimal::from_integer(1).divided_by(3).unwrap();
    assert_eq!(third, decimal("0.3333333333333333333333333333"));
    // Rounded down first, so that the product stays below one.
    let product = third.times(Decimal::from_integer(3)).unwrap();
    assert_eq!(product.floor(), Ok(amount("0.999999999999999999")));
    assert_eq!(product.ceil(), Ok(amount("1")));
    let credit = decimal("14250").divided_by(3_600).unwrap();
    let two = credit.times(Decimal::from_integer(2)).unwrap();
    assert_eq!(two.floor(), Ok(amount("7.916666666666666666")));
    // Half to even, both ways, and a carry through all digits.
    let rounded = |text| decimal(text).times(Decimal::from_integer(1)).unwrap();
    assert_eq!(
        rounded("1.0000000000000000000000000005"),
        rounded("1.000000000000000000000000000")
    );
    assert_eq!(
        rounded("1.0000000000000000000000000015"),
        rounded("1.000000000000000000000000002")
    );
    assert_eq!(
        rounded("9.9999999999999999999999999996").floor(),
        Ok(amount("10"))
    );
}

#[test]
fn operations_are_those_of_the_vectors() {
    let read = |text: &str| Decimal::parse(text).unwrap();
    let vectors = include_str!("../../tests/vectors/decimals.jsonl");
    for vector in vectors.lines() {
        let (a, b, product, quotient): (String, String, String, Option<String>) =
            serde_json::from_str(vector).unwrap();
        assert_eq!(read(&a).times(read(&b)), Ok(read(&product)), "{vector}");
        if let Some(quotient) = quotient {
            let divided = read(&a).divided_by(b.parse().unwrap());
            assert_eq!(divided, Ok(read(&quotient)), "{vector}");
        }
    }
    assert!(vectors.lines().count() >= 400);
}

#[test]
fn only_sums_of_28_digits_are_made() {
    let decimal = |text| Decimal::parse(text).unwrap();
    assert!(decimal("9999999999.999999999999999999").floor().is_ok());
    assert_eq!(decimal("10000000000").floor(), Err(AmountError::Overflow));
    assert_eq!(
        decimal("9999999999.9999999999999999999").ceil(),
        Err(AmountError::Overflow)
    );
    assert_eq!(decimal("1e-900").floor(), Ok(Amount::ZERO));
    assert_eq!(decimal("1e-900").ceil(), Ok(Amount::from_units(1)));
    assert_eq!(Decimal::ZERO.ceil(), Ok(Amount::ZERO));
}

#[test]
fn doubles_keep_their_value_and_not_their_text() {
    let double = Decimal::from_double(0.05).unwrap();
    assert_eq!(
        double,
        Decimal::parse("0.050000000000000002775557561562891351059").unwrap()
    );
    assert_eq!(Decimal::from_double(-1.0), None);
    assert_eq!(Decimal::from_double(f64::NAN), None);
    assert_eq!(Decimal::from_double(f64::INFINITY), None);
    assert_eq!(
        Decimal::from_double(f64::MIN_POSITIVE).map(Decimal::floor),
        Some(Ok(Amount::ZERO))
    );
}

proptest! {
    #[test]
    fn text_round_trips(units: i128) {
        let amount = Amount::from_units(units);
        prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
        prop_assert_eq!(Amount::parse(&amount.shortest()), Ok(amount));
    }

    #[test]
    fn noise_is_read_without_panic(text in "[-+0-9.eE ]{0,60}") {
        let _ = Amount::parse(&text);
        let _ = Decimal::parse(&text).and_then(Decimal::floor);
    }

    #[test]
    fn sizes_go_by_way_of_doubles(bytes: u64) {
        let size = Decimal::mib_of_bytes(bytes);
        prop_assert_eq!(Some(size.to_double()), Some(bytes as f64 / 1_048_576.0));
    }

    #[test]
    fn floor_and_ceil_enclose(coefficient in 0u64..u64::MAX, exponent in 0u32..40) {
        let decimal = Decimal::parse(&format!("{coefficient}e-{exponent}")).unwrap();
        if let (Ok(floor), Ok(ceil)) = (decimal.floor(), decimal.ceil()) {
            prop_assert!((0..=1).contains(&(ceil.units() - floor.units())));
            prop_assert_eq!(floor, Amount::parse(&format!("{coefficient}e-{exponent}")).unwrap());
        }
    }
}
