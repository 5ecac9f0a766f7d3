//! Any bytes as an archive: no panic, the same in one piece and in many, and what is whole is
//! packed and read again with the same blocks.
#![no_main]

use alephd_cid::AnyCid;
use alephd_unixfs::{
    CarReader, CarVerifier,
    car::{CarError, CarLimits, VerifyLimits, encode_header, section_head},
};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], piece: usize) -> Result<Vec<(AnyCid, Vec<u8>)>, CarError> {
    let mut reader = CarReader::new(CarLimits::default());
    let mut blocks = Vec::new();
    for mut piece in bytes.chunks(piece) {
        while let Some(block) = reader.next(&mut piece)? {
            assert_eq!(&bytes[block.offset as usize..][..block.bytes.len()], block.bytes);
            blocks.push((block.cid.clone(), block.bytes.to_vec()));
        }
    }
    reader.finish()?;
    let Some(root) = reader.roots().and_then(|roots| roots.first()).cloned() else {
        return Ok(blocks);
    };
    // The order of blocks must not matter.
    let verify = |blocks: &mut dyn Iterator<Item = &(AnyCid, Vec<u8>)>| {
        let mut verifier = CarVerifier::new(&root, VerifyLimits::default());
        for (cid, bytes) in blocks {
            let block = alephd_unixfs::car::CarBlock {
                cid: cid.clone(),
                bytes,
                offset: 0,
            };
            verifier.add(&block).ok()?;
        }
        verifier.finish().ok()
    };
    assert_eq!(verify(&mut blocks.iter()), verify(&mut blocks.iter().rev()));
    Ok(blocks)
}

fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, 7), whole);
    if let Ok(blocks) = whole {
        let mut again = encode_header(&[]);
        for (cid, block) in &blocks {
            again.extend(section_head(cid, block.len()));
            again.extend(block);
        }
        assert_eq!(read(&again, 1000), Ok(blocks));
    }
});
