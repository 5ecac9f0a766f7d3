use alephd_message::ItemHash;
use proptest::prelude::*;

use super::*;

const EXEMPTIONS: Exemptions = Exemptions {
    file_size: 100,
    credit_only: Micros(50),
    height: 10,
    time: Micros(5),
};

fn claim(time: i64, payment: PaymentType, cost: i64) -> Claim {
    Claim {
        position: Position {
            time: Micros(time),
            hash: ItemHash::Sha256([time as u8; 32]),
        },
        message_type: MessageType::Instance,
        payment,
        cost: Amount::from_whole(cost),
        size: None,
        time: Micros(time),
        height: Some(20),
    }
}

fn hold(time: i64, cost: i64) -> Claim {
    claim(time, PaymentType::Hold, cost)
}

fn means(tokens: i64, credits: i64) -> Means {
    Means {
        tokens: Amount::from_whole(tokens),
        credits: Amount::from_whole(credits),
    }
}

fn kept(means: &Means, claims: &[Claim]) -> Vec<bool> {
    let answers = walk(means, claims, &EXEMPTIONS);
    answers.iter().map(Funding::is_kept).collect()
}

#[test]
fn tokens_cover_a_sum_exactly() {
    let claims = [hold(11, 10), hold(12, 5)];
    assert_eq!(kept(&means(15, 0), &claims), [true, true]);
    assert_eq!(kept(&means(14, 0), &claims), [true, false]);
}

#[test]
fn a_message_that_is_too_dear_is_charged_nevertheless() {
    let claims = [hold(11, 10), hold(12, 1), hold(13, 0)];
    let answers = walk(&means(5, 0), &claims, &EXEMPTIONS);
    let shortfall = |needed| Shortfall {
        reason: Reason::BalanceInsufficient,
        needed: Amount::from_whole(needed),
        available: Amount::from_whole(5),
    };
    assert_eq!(
        answers,
        [
            Funding::Unfunded(shortfall(10)),
            Funding::Unfunded(shortfall(11)),
            // What costs nothing is never short of anything.
            Funding::Funded,
        ]
    );
}

#[test]
fn credits_must_last_for_a_day() {
    let claims = [
        claim(11, PaymentType::Credit, 2),
        claim(12, PaymentType::Credit, 1),
    ];
    assert_eq!(kept(&means(0, 3 * 86_400), &claims), [true, true]);
    let answers = walk(&means(0, 3 * 86_400 - 1), &claims, &EXEMPTIONS);
    assert_eq!(answers[0], Funding::Funded);
    assert_eq!(
        answers[1],
        Funding::Unfunded(Shortfall {
            reason: Reason::CreditInsufficient,
            needed: Amount::from_whole(3 * 86_400),
            available: Amount::from_whole(3 * 86_400 - 1),
        })
    );
}

#[test]
fn each_payment_has_its_own_purse() {
    let claims = [
        hold(11, 10),
        claim(12, PaymentType::Credit, 1),
        claim(13, PaymentType::Superfluid, 1_000),
    ];
    assert_eq!(kept(&means(10, 0), &claims), [true, false, true]);
    assert_eq!(kept(&means(0, 86_400), &claims), [false, true, true]);
}

#[test]
fn a_message_is_charged_once_however_often_it_is_listed() {
    let claims = [hold(11, 10), hold(11, 10), hold(12, 5)];
    assert_eq!(kept(&means(15, 0), &claims), [true, true, true]);
    let before = recorded_before(&claims, &claims[2].position, PaymentType::Hold);
    assert_eq!(before, Amount::from_whole(10));
}

#[test]
fn small_files_stay() {
    let store = |payment, size, time| Claim {
        message_type: MessageType::Store,
        size: Some(size),
        ..claim(time, payment, 10)
    };
    let exempt = |claim: Claim| walk(&means(0, 0), &[claim], &EXEMPTIONS)[0] == Funding::Exempt;
    assert!(exempt(store(PaymentType::Hold, 100, 60)));
    assert!(!exempt(store(PaymentType::Hold, 101, 60)));
    assert!(exempt(store(PaymentType::Credit, 100, 49)));
    assert!(!exempt(store(PaymentType::Credit, 100, 50)));
    let no_store = Claim {
        size: Some(1),
        ..hold(60, 10)
    };
    assert!(!exempt(no_store));
}

#[test]
fn what_is_older_than_its_price_stays() {
    let at = |payment, time, height| Claim {
        height,
        ..claim(time, payment, 10)
    };
    let exempt = |claim: Claim| walk(&means(0, 0), &[claim], &EXEMPTIONS)[0] == Funding::Exempt;
    assert!(exempt(at(PaymentType::Hold, 60, Some(9))));
    assert!(!exempt(at(PaymentType::Hold, 1, Some(10))));
    assert!(exempt(at(PaymentType::Hold, 4, None)));
    assert!(!exempt(at(PaymentType::Hold, 5, None)));
    assert!(!exempt(at(PaymentType::Credit, 4, Some(9))));
}

#[test]
fn sums_beyond_all_bounds_are_not_covered() {
    let dear = Claim {
        cost: Amount::from_units(i128::MAX),
        ..hold(11, 0)
    };
    let rich = Means {
        tokens: Amount::from_units(i128::MAX),
        credits: Amount::from_units(i128::MAX),
    };
    assert_eq!(
        kept(
            &rich,
            &[
                dear.clone(),
                Claim {
                    payment: PaymentType::Credit,
                    ..dear
                }
            ]
        ),
        [false, false]
    );
}

fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
    let payment = prop::sample::select(PaymentType::ALL);
    let one = (
        payment,
        0..20_i64,
        any::<bool>(),
        prop::option::of(5..15_u64),
        0..200_u64,
    );
    prop::collection::vec(one, 0..12).prop_map(|rows| {
        let claim = |(time, (payment, cost, is_store, height, size)): (
            i64,
            (PaymentType, i64, bool, Option<u64>, u64),
        )| {
            let message_type = if is_store {
                MessageType::Store
            } else {
                MessageType::Instance
            };
            Claim {
                message_type,
                size: Some(size),
                height,
                ..claim(time, payment, cost)
            }
        };
        (0..).zip(rows).map(claim).collect()
    })
}

fn any_means() -> impl Strategy<Value = Means> {
    (0..100_i64, 0..100_i64).prop_map(|(tokens, credits)| means(tokens, credits * 86_400))
}

proptest! {
    #[test]
    fn the_order_of_arrival_makes_no_difference(
        means in any_means(),
        (claims, shuffled) in any_claims().prop_flat_map(|claims| (Just(claims.clone()), Just(claims).prop_shuffle())),
    ) {
        let answers = walk(&means, &claims, &EXEMPTIONS);
        for (claim, answer) in shuffled.iter().zip(walk(&means, &shuffled, &EXEMPTIONS)) {
            let index = claims.iter().position(|other| other == claim);
            prop_assert_eq!(index.map(|index| answers[index]), Some(answer));
        }
    }

    #[test]
    fn more_means_never_unfund_anything(claims in any_claims(), a in any_means(), b in any_means()) {
        let less = Means { tokens: a.tokens.min(b.tokens), credits: a.credits.min(b.credits) };
        let more = Means { tokens: a.tokens.max(b.tokens), credits: a.credits.max(b.credits) };
        for (less, more) in kept(&less, &claims).into_iter().zip(kept(&more, &claims)) {
            prop_assert!(more || !less);
        }
    }

    #[test]
    fn a_message_never_unfunds_one_before_it(claims in any_claims(), means in any_means(), count in 0..12_usize) {
        let count = count.min(claims.len());
        let all = walk(&means, &claims, &EXEMPTIONS);
        prop_assert_eq!(&all[..count], &walk(&means, &claims[..count], &EXEMPTIONS)[..]);
    }

    #[test]
    fn one_message_less_never_unfunds_anything(claims in any_claims(), means in any_means(), gone in 0..12_usize) {
        let with = kept(&means, &claims);
        let mut fewer = claims;
        if gone < fewer.len() {
            fewer.remove(gone);
            let mut with = with;
            with.remove(gone);
            for (with, without) in with.into_iter().zip(kept(&means, &fewer)) {
                prop_assert!(without || !with);
            }
        }
    }

    #[test]
    fn what_is_admitted_is_what_the_walk_keeps(claims in any_claims(), means in any_means()) {
        for (claim, answer) in claims.iter().zip(walk(&means, &claims, &EXEMPTIONS)) {
            let before = recorded_before(&claims, &claim.position, claim.payment);
            let admitted = cover(&means, claim.payment, before, claim.cost);
            match answer {
                Funding::Funded => prop_assert_eq!(admitted, Ok(())),
                Funding::Exempt => prop_assert!(admitted.is_err()),
                Funding::Unfunded(shortfall) => prop_assert_eq!(admitted, Err(shortfall)),
            }
        }
    }
}
