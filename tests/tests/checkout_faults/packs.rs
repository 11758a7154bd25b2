//! A pack that is not what the server meant to send never becomes a checkout.

use super::servers::tampering;
use super::{assert_fails, big, cloning};

/// Length of what a pack begins with: `PACK`, its version and the number of its objects.
const HEADER: usize = 12;

#[test]
fn a_server_that_sends_packs_as_they_are_is_cloned_from() {
    let repository = big();
    let ended = cloning(&tampering(&repository, |pack| pack)).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.dir.path().join("repo/d0000/f000009").exists());
}

#[test]
fn a_damaged_pack_is_never_a_checkout() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let flipped = |mut pack: Vec<u8>| {
        let middle = pack.len() / 2;
        pack[middle] ^= 0x10;
        pack
    };
    let flipped_at_the_end = |mut pack: Vec<u8>| {
        *pack.last_mut().expect("it is not empty") ^= 1;
        pack
    };
    let garbage = |mut pack: Vec<u8>| {
        for (place, byte) in pack.iter_mut().enumerate().skip(HEADER) {
            *byte = u8::try_from(place * 31 % 251).expect("it is below 251");
        }
        pack
    };
    let cut_in_the_middle = |mut pack: Vec<u8>| {
        pack.truncate(pack.len() / 2);
        pack
    };
    let without_checksum = |mut pack: Vec<u8>| {
        pack.truncate(pack.len() - 20);
        pack
    };
    let one_object_less = |mut pack: Vec<u8>| {
        pack[HEADER - 1] -= 1;
        pack
    };
    let no_pack_at_all = |_| b"what is this?".to_vec();
    let cases: [(&str, Change); 7] = [
        ("a flipped bit", flipped),
        ("a flipped bit in the checksum", flipped_at_the_end),
        ("garbage after the header", garbage),
        ("half of it", cut_in_the_middle),
        ("no checksum", without_checksum),
        ("a wrong count", one_object_less),
        ("no pack", no_pack_at_all),
    ];
    for (name, change) in cases {
        let repository = big();
        let url = tampering(&repository, change);
        let ended = cloning(&url).end();
        assert_fails(name, &ended, "DamagedPack", true);
        assert!(ended.error().contains(&url), "{name}: {}", ended.error());
        assert!(
            ended.error().contains("(4 attempts): git: "),
            "{name}: {}",
            ended.error()
        );
    }
}
