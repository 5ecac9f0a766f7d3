//! The profiles of the repository, and profiles of one's own.

use std::{fs, path::Path};

use alephd_message::Chain;
use alephd_node::{Profile, ProfileError};

#[test]
fn every_profile_of_the_repository_is_built_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../profiles");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let profile = Profile::load(name).unwrap();
        assert_eq!(profile.name, name);
        assert_eq!(Profile::load(path.to_str().unwrap()).unwrap(), profile);
    }
}

#[test]
fn what_the_networks_trust() {
    let mainnet = Profile::load("mainnet").unwrap();
    assert!(mainnet.is_adversary_safe() && !mainnet.loopback_only);
    assert_eq!(mainnet.ordering_chain.as_ref().unwrap().chain, Chain::Eth);
    assert_eq!(
        mainnet.aggregates.unbuilt_owners,
        ["0x51A58800b26AA1451aaA803d1746687cB88E0501"]
    );
    let trusted = mainnet.trusted();
    assert_eq!(trusted.balance_oracles.len(), 2);
    assert_eq!(trusted.credit_channels, ["ALEPH_CREDIT"]);

    let local = Profile::load("local").unwrap();
    assert!(local.loopback_only && !local.is_adversary_safe() && local.balances.count_dapp_balances);
    let funder = "0x5840B7C427A13b791ca1DbC40ee00489a4A59b21";
    assert_eq!(local.balances.oracles, [funder]);
    assert_eq!(local.credits.oracles, [funder]);
    for other in [mainnet, Profile::load("testnet").unwrap()] {
        let text = format!("{other:?}");
        assert!(!text.contains(funder), "{} trusts a public key", other.name);
    }
}

#[test]
fn a_profile_of_ones_own_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    let local = include_str!("../../../../../profiles/local.toml");
    fs::write(&path, local.replace("name = \"local\"", "name = \"club\"")).unwrap();
    assert_eq!(Profile::load(path.to_str().unwrap()).unwrap().name, "club");
    for wrong in [
        local.replace("name = \"local\"", "name = \"../club\""),
        format!("{local}\nsurprise = 1\n"),
        local.replace("public_key = \"02", "public_key = \"04"),
    ] {
        fs::write(&path, wrong).unwrap();
        assert!(matches!(
            Profile::load(path.to_str().unwrap()),
            Err(ProfileError::Invalid { .. })
        ));
    }
    let unknown = Profile::load("manynet").unwrap_err();
    assert!(
        unknown.to_string().contains("none of local, testnet, mainnet"),
        "{unknown}"
    );
}
