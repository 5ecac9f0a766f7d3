//! Verdicts of the reference, from `vectors/` at the root of the repository.

use std::{collections::BTreeMap, fs, path::Path};

use alephd_message::{Chain, Envelope, ErrorCode, SignatureFamily};
use alephd_signature::{SignatureError, sign, verify};
use serde_json::Value;

/// Every vector of every file, with the name of its file.
fn vectors() -> Vec<(String, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vectors");
    let mut vectors = Vec::new();
    for entry in fs::read_dir(&directory).expect("the vectors directory exists") {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for line in fs::read_to_string(&path)
            .unwrap()
            .lines()
            .filter(|line| !line.is_empty())
        {
            let vector: Value = serde_json::from_str(line).unwrap();
            // Other files in the directory may hold vectors of other kinds.
            if vector["expected"]["signature"].is_string() && vector["message"].is_object() {
                vectors.push((name.clone(), vector));
            }
        }
    }
    vectors
}

#[test]
fn verdicts_agree_with_the_network() {
    let mut valid: BTreeMap<String, usize> = BTreeMap::new();
    let mut invalid: BTreeMap<String, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for (file, vector) in vectors() {
        let expected = &vector["expected"];
        let label = format!(
            "{file} {} {} {}",
            vector["id"], vector["provenance"], expected["why"]
        );
        let Ok(envelope) = Envelope::from_value(vector["message"].clone()) else {
            if expected["error_code"] != 0 {
                failures.push(format!("refused as an envelope: {label}"));
            }
            continue;
        };
        let verdict = verify(&envelope);
        let family = format!("{:?}", envelope.chain.signature_family());
        match expected["signature"].as_str().unwrap() {
            "valid" => {
                *valid.entry(family).or_default() += 1;
                if let Err(error) = verdict {
                    failures.push(format!("refused ({error}): {label}"));
                }
            }
            "invalid" => {
                *invalid.entry(family).or_default() += 1;
                // A crash of the reference ends as -1 there, and as a plain refusal here.
                let code = verdict.err().map(|error| error.code());
                if code != Some(ErrorCode::InvalidSignature) {
                    failures.push(format!("verdict {code:?}: {label}"));
                }
            }
            other => failures.push(format!("unknown expectation {other}: {label}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));

    use SignatureFamily::*;
    for family in [Evm, Solana, Cosmos, Substrate, Avalanche, Nuls2, Tezos] {
        let key = format!("{:?}", Some(family));
        assert!(
            valid.get(&key).is_some_and(|&count| count > 0),
            "no valid vector of {family:?}"
        );
        assert!(
            invalid.get(&key).is_some_and(|&count| count > 0),
            "no invalid vector of {family:?}"
        );
    }
    // The network refuses the genuine messages of this family, so no valid vector can exist.
    assert!(
        invalid.get("Some(Nuls1)").is_some_and(|&count| count > 0),
        "no vector of Nuls1"
    );
    assert!(valid["Some(Evm)"] >= 100, "EVM vectors are missing: {valid:?}");
}

#[test]
fn the_wire_form_of_a_message_reads_back_as_the_message() {
    let mut count = 0;
    for (_, vector) in vectors() {
        let Ok(envelope) = Envelope::from_value(vector["message"].clone()) else {
            continue;
        };
        let again = Envelope::parse(sign::wire_json(&envelope).as_bytes());
        assert_eq!(again.as_ref(), Ok(&envelope), "{}", vector["id"]);
        count += 1;
    }
    assert!(count > 100);
}

#[test]
fn any_change_to_a_signed_field_breaks_the_signature() {
    let mut count = 0;
    for (_, vector) in vectors() {
        let Ok(envelope) = Envelope::from_value(vector["message"].clone()) else {
            continue;
        };
        if verify(&envelope).is_err() {
            continue;
        }
        let mut other = envelope.clone();
        other.item_hash = alephd_message::ItemHash::Sha256([7; 32]);
        assert_eq!(
            verify(&other),
            Err(SignatureError::Mismatch),
            "hash of {}",
            vector["id"]
        );
        let same_family = |chain: &&Chain| {
            **chain != envelope.chain && chain.signature_family() == envelope.chain.signature_family()
        };
        if let Some(&chain) = Chain::ALL.iter().find(same_family) {
            let mut other = envelope.clone();
            other.chain = chain;
            assert_eq!(
                verify(&other),
                Err(SignatureError::Mismatch),
                "chain of {}",
                vector["id"]
            );
        }
        count += 1;
    }
    assert!(count > 100);
}
