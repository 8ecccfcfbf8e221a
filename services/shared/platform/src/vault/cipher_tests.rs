//! Known vectors of both ciphers, and the format.

use super::*;

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

/// Key, nonce, associated data, clear text, ciphertext, tag.
type Vector = [&'static str; 6];

fn check<C: Gcm>(vectors: &[Vector]) {
    for [key, nonce, associated, clear, sealed, tag] in vectors {
        let key = bytes(key);
        let nonce: [u8; NONCE_BYTES] = bytes(nonce).try_into().unwrap();
        let associated = bytes(associated);
        let mut text = bytes(clear);
        let made = encrypt_by::<C>(&key, nonce, &associated, &mut text).unwrap();
        assert_eq!(
            (hex::encode(&text), hex::encode(made)),
            (sealed.to_string(), tag.to_string())
        );
        decrypt_by::<C>(&key, nonce, &associated, (&mut text, made)).unwrap();
        assert_eq!(hex::encode(&text), *clear);
        let mut forged = made;
        forged[0] ^= 1;
        assert!(decrypt_by::<C>(&key, nonce, &associated, (&mut text, forged)).is_none());
    }
}

/// Test cases 13 to 16 of the GCM specification that NIST SP 800-38D is made of (AES-256).
#[test]
fn aes_256_gcm_gives_what_nist_says() {
    const KEY: &str = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";
    const NONCE: &str = "cafebabefacedbaddecaf888";
    const TEXT: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
    const SEALED: &str = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
    check::<Aes256Gcm>(&[
        [
            ZERO,
            "000000000000000000000000",
            "",
            "",
            "",
            "530f8afbc74536b9a963b4f1c4cb738b",
        ],
        [
            ZERO,
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "cea7403d4d606b6e074ec5d3baf39d18",
            "d0d1c8a799996bf0265b98b5d48ab919",
        ],
        [
            KEY,
            NONCE,
            "",
            TEXT,
            SEALED,
            "b094dac5d93471bdec1a502270e3cc6c",
        ],
        [
            KEY,
            NONCE,
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            &TEXT[..120],
            &SEALED[..120],
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ],
    ]);
}

/// RFC 8998, appendix A.1.
#[test]
fn sm4_gcm_gives_what_rfc_8998_says() {
    check::<Sm4Gcm>(&[[
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        "83de3541e4c2b58177e065a9bf7b62ec",
    ]]);
}

#[test]
fn a_sealed_value_says_its_format_suite_and_key_and_hides_the_rest() {
    let key = Key {
        id: Uuid::from_u128(7),
        bytes: Zeroizing::new([9; KEY_BYTES]),
    };
    for (suite, byte) in [(Suite::Aes256Gcm, 1), (Suite::Sm4Gcm, 2)] {
        let sealed = seal(suite, &key, [3; NONCE_BYTES], b"a|b|c|d", b"secret").unwrap();
        assert_eq!(sealed.len(), 1 + 1 + 16 + 12 + 6 + 16, "{suite:?}");
        assert_eq!(sealed[..2], [1, byte]);
        assert_eq!(key_id(&sealed).unwrap(), key.id);
        assert_eq!(sealed[18..30], [3; NONCE_BYTES]);
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(
            open(&key, b"a|b|c|d", &sealed).unwrap().as_slice(),
            b"secret"
        );
        for end in 0..sealed.len() {
            assert!(
                open(&key, b"a|b|c|d", &sealed[..end]).is_err(),
                "cut at {end}"
            );
        }
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(
                open(&key, b"a|b|c|d", &changed).is_err(),
                "changed at {index}"
            );
        }
    }
}
