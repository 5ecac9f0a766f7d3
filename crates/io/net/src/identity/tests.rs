use super::*;

/// Made with `openssl genpkey -algorithm RSA` and `openssl pkcs8 -topk8 -nocrypt -outform DER`, as
/// p2p-service's instructions say; the id was computed from the public key by hand.
const RSA: &[u8] = include_bytes!("../../tests/data/rsa-2048.pkcs8.der");
const RSA_ID: &str = "QmcWtoe3t3XrQHSv2XFTYzdiybCYjnQmqfN4xXapJ6LxDc";
/// Made with `openssl genpkey -algorithm ED25519 -outform DER`.
const SEED: &str = "9639b1b554d993b1bf45d5d23fef946aac6bca14a1bdb9c4fe749592ba47e940";
const ED25519_ID: &str = "12D3KooWCNZ6LAJXMcQHE5RBVHGf4HMJToMV2S8oNQV5b68m8exo";

fn seed() -> Vec<u8> {
    let digits = SEED.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn id(bytes: &[u8]) -> Option<String> {
    Identity::from_bytes(bytes).map(|identity| identity.peer_id().to_string())
}

#[test]
fn keys_of_all_forms_have_the_ids_that_others_compute() {
    assert_eq!(id(RSA).as_deref(), Some(RSA_ID));
    let first = [&ED25519_DER[..], &seed()].concat();
    assert_eq!(id(&first).as_deref(), Some(ED25519_ID));
    // Version 2 appends the public key, which may be ignored.
    let mut second = [&ED25519_DER[..], &seed(), &[0x81, 0x21, 0x00], &[7; 32]].concat();
    (second[1], second[4]) = (0x51, 1);
    assert_eq!(id(&second).as_deref(), Some(ED25519_ID));
    let keypair = Identity::from_bytes(&first).unwrap().keypair;
    let encoded = keypair.to_protobuf_encoding().unwrap();
    assert_eq!(id(&encoded).as_deref(), Some(ED25519_ID));
}

#[test]
fn what_is_no_key_is_refused() {
    let first = [&ED25519_DER[..], &seed()].concat();
    for bytes in [
        &[][..],
        b"-----BEGIN PRIVATE KEY-----",
        &RSA[..RSA.len() - 1],
        &first[..47],
        &[0x30; 64],
    ] {
        assert_eq!(id(bytes), None);
    }
}

#[test]
fn a_new_key_is_written_once_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity");
    let first = Identity::load_or_create(&path).unwrap().peer_id();
    assert_eq!(Identity::load_or_create(&path).unwrap().peer_id(), first);
    assert_eq!(Identity::from_file(&path).unwrap().peer_id(), first);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_is_no_key_is_neither_used_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity");
    fs::write(&path, "not a key").unwrap();
    assert!(matches!(
        Identity::load_or_create(&path),
        Err(IdentityError::Form { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), b"not a key");
    let missing = folder.path().join("missing");
    assert!(matches!(
        Identity::from_file(&missing),
        Err(IdentityError::File { .. })
    ));
}

#[test]
fn secrets_are_not_printed() {
    let identity = Identity::from_bytes(&[&ED25519_DER[..], &seed()].concat()).unwrap();
    assert_eq!(
        format!("{identity:?}"),
        format!("Identity(PeerId(\"{ED25519_ID}\"))")
    );
}
