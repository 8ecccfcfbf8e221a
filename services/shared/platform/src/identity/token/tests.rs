use chrono::{DateTime, TimeDelta};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde_json::{Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::*;
use crate::access::Role;

const CITY: &str = "a1b2";
const MUTATIONS: usize = 10_000;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";

fn now() -> Timestamp {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

fn key(byte: u8) -> SignKey {
    SignKey::new(&Zeroizing::new([byte; 32]))
}

fn verifier() -> Verifier {
    Verifier::new(vec![key(1).verify_key(), key(2).verify_key()], CITY).unwrap()
}

fn li() -> Principal {
    let mut principal = Principal::new("operator:李", Role::Operator);
    principal.session = "s7".to_owned();
    principal.stepped_up_at = Some(1_780_000_000_000_000);
    principal
}

/// A payload as a signer writes it, to be changed.
fn payload() -> Value {
    let from = now().timestamp_millis();
    json!({
        "key": key(1).verify_key().id(), "city": CITY, "from": from, "until": from + TOKEN_LIFE_MS,
        "who": {"id": "operator:li", "roles": ["operator"]},
    })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut changed = payload();
    changed[name] = value.into();
    changed
}

fn sealed(payload: &Value) -> String {
    seal(&key(1), payload.to_string().as_bytes())
}

#[test]
fn a_token_names_whom_it_was_made_for_until_its_minute_is_over() {
    for byte in [1, 2] {
        let signer = Signer::new(key(byte), CITY);
        let token = signer.sign_at(&li(), now());
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
        let verifier = verifier();
        let cases = [
            (-TOKEN_AHEAD_MS - 1, Err(BadToken::Untimely)),
            (-TOKEN_AHEAD_MS, Ok(li())),
            (0, Ok(li())),
            (TOKEN_LIFE_MS - 1, Ok(li())),
            (TOKEN_LIFE_MS, Err(BadToken::Untimely)),
            (TOKEN_LIFE_MS * 1000, Err(BadToken::Untimely)),
        ];
        // Twice: what is remembered is judged like what is new.
        for (after_ms, expected) in cases.iter().chain(&cases) {
            let at = now() + TimeDelta::milliseconds(*after_ms);
            let found = verifier.verify_at(token.as_bytes(), at);
            assert_eq!(found, *expected, "key {byte}, {after_ms} ms");
        }
    }
}

#[test]
fn a_token_is_handed_out_again_while_it_is_young_and_to_nobody_else() {
    let signer = Signer::new(key(1), CITY);
    let at = |ms| now() + TimeDelta::milliseconds(ms);
    let first = signer.sign_at(&li(), at(0));
    assert_eq!(signer.sign_at(&li(), at(REUSED_MS - 1)), first);
    let second = signer.sign_at(&li(), at(REUSED_MS));
    assert_ne!(second, first);
    // A clock that was set back makes no token that nobody believes yet.
    assert_ne!(signer.sign_at(&li(), at(0)), second);
    let mut stepped_up = li();
    stepped_up.stepped_up_at = None;
    let other = signer.sign_at(&stepped_up, at(REUSED_MS));
    assert_eq!(
        verifier().verify_at(other.as_bytes(), at(REUSED_MS)),
        Ok(stepped_up)
    );
}

#[test]
fn more_principals_than_are_remembered_are_signed_and_read_all_the_same() {
    let (signer, verifier) = (Signer::new(key(1), CITY), verifier());
    for number in 0..REMEMBERED_MAX + 10 {
        let principal = Principal::new(&format!("operator:{number}"), Role::Operator);
        let token = signer.sign_at(&principal, now());
        assert_eq!(verifier.verify_at(token.as_bytes(), now()), Ok(principal));
    }
    assert!(signer.made.lock().unwrap().len() <= REMEMBERED_MAX);
    assert!(verifier.read.lock().unwrap().len() <= REMEMBERED_MAX);
}

/// A token whose header and signature are those of a JSON web token (RFC 7515), by name of the algorithm.
fn web_token(algorithm: &str) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT", "kid": key(1).verify_key().id()});
    let body = format!(
        "{}.{}",
        BASE64.encode(header.to_string()),
        BASE64.encode(payload().to_string())
    );
    let signature = match algorithm {
        "none" => Vec::new(),
        // The public key taken for a secret.
        "HS256" => {
            let public = key(1).verify_key().text();
            let mut mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).unwrap();
            mac.update(body.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        _ => key(1).inner().sign(body.as_bytes()).to_bytes().to_vec(),
    };
    format!("{body}.{}", BASE64.encode(signature))
}

#[test]
fn what_is_not_a_token_of_this_city_names_nobody() {
    let verifier = verifier();
    let good = sealed(&payload());
    assert!(verifier.verify_at(good.as_bytes(), now()).is_ok());
    let (body, signature) = good.rsplit_once('.').unwrap();
    let (_, encoded) = body.split_once('.').unwrap();
    let raw = |message: &[u8]| {
        let signed = key(1).inner().sign(message);
        format!("{body}.{}", BASE64.encode(signed.to_bytes()))
    };
    let stranger = seal(
        &key(3),
        with("key", key(3).verify_key().id()).to_string().as_bytes(),
    );
    let impostor = seal(&key(3), payload().to_string().as_bytes());
    let king = json!({"id": "operator:li", "roles": ["king"]});
    let service = json!({"id": "operator:li", "service": "routing"});
    let huge = json!({"id": "x".repeat(TOKEN_MAX_BYTES)});
    let other = SigningKey::from_bytes(&[1; 32]).sign(b"something else");
    let cases = [
        ("nothing", String::new()),
        ("plain JSON", li().to_metadata()),
        ("dots", "..".to_owned()),
        ("no signature", body.to_owned()),
        ("an empty signature", format!("{body}.")),
        ("half a signature", format!("{body}.{}", &signature[..43])),
        (
            "a signature of zeros",
            format!("{body}.{}", BASE64.encode([0; 64])),
        ),
        (
            "another signature",
            format!("{body}.{}", BASE64.encode(other.to_bytes())),
        ),
        ("padding", format!("{good}==")),
        ("a space", format!("{good} ")),
        ("a fourth part", format!("{good}.{signature}")),
        ("another version", format!("v2.{encoded}.{signature}")),
        ("no version", format!("{encoded}.{signature}")),
        ("signed without its domain", raw(body.as_bytes())),
        (
            "signed without its version",
            raw(&[DOMAIN, encoded.as_bytes()].concat()),
        ),
        ("an unknown key", stranger),
        ("another's key under a known name", impostor),
        ("another city", sealed(&with("city", "ffff"))),
        ("no city", sealed(&with("city", ""))),
        ("an unknown role", sealed(&with("who", king))),
        ("a service", sealed(&with("who", service))),
        ("nobody", sealed(&with("who", json!({"id": ""})))),
        ("more than is read", sealed(&with("who", huge))),
        ("an unknown field", sealed(&with("alg", "none"))),
        ("JSON web token, none", web_token("none")),
        ("JSON web token, HS256", web_token("HS256")),
        ("JSON web token, EdDSA", web_token("EdDSA")),
    ];
    for (label, token) in cases {
        let found = verifier.verify_at(token.as_bytes(), now());
        assert_eq!(found, Err(BadToken::Refused), "{label}");
    }
    let bytes = [good.as_bytes(), &[0xff]].concat();
    assert_eq!(verifier.verify_at(&bytes, now()), Err(BadToken::Refused));
}

#[test]
fn a_token_of_more_than_a_minute_is_never_believed() {
    let from = now().timestamp_millis();
    let cases = [
        ("two minutes", with("until", from + 2 * TOKEN_LIFE_MS)),
        ("for ever", with("until", i64::MAX)),
        ("since ever", with("from", i64::MIN)),
        ("backwards", with("until", from - 1)),
        ("tomorrow's", with("from", from + 86_400_000)),
    ];
    for (label, payload) in cases {
        let token = sealed(&payload);
        for hours in [-1, 0, 1, 24] {
            let at = now() + TimeDelta::hours(hours);
            let found = verifier().verify_at(token.as_bytes(), at);
            assert_eq!(found, Err(BadToken::Untimely), "{label}, {hours} h");
        }
    }
}

#[test]
fn no_mutation_of_a_token_is_believed() {
    let mut random = StdRng::seed_from_u64(20_261_128);
    let (signer, verifier) = (Signer::new(key(1), CITY), verifier());
    let tokens: Vec<String> = ["operator:li", "operator:wang"]
        .map(|id| signer.sign_at(&Principal::new(id, Role::Operator), now()))
        .into();
    for token in &tokens {
        assert!(verifier.verify_at(token.as_bytes(), now()).is_ok());
    }
    let mut accepted = 0;
    for _ in 0..MUTATIONS {
        let mut bytes = tokens[random.random_range(0..2)].clone().into_bytes();
        let place = random.random_range(0..bytes.len());
        match random.random_range(0..6) {
            0 => bytes[place] ^= 1 << random.random_range(0..8),
            1 => bytes[place] = ALPHABET[random.random_range(0..ALPHABET.len())],
            2 => bytes.insert(place, ALPHABET[random.random_range(0..ALPHABET.len())]),
            3 => drop(bytes.remove(place)),
            4 => bytes.truncate(place),
            // The end of the one token on the beginning of the other.
            _ => {
                bytes.truncate(place);
                let other = tokens[random.random_range(0..2)].as_bytes();
                bytes.extend(&other[place.min(other.len())..]);
            }
        }
        if tokens.iter().any(|token| token.as_bytes() == bytes) {
            continue;
        }
        accepted += usize::from(verifier.verify_at(&bytes, now()).is_ok());
    }
    for _ in 0..MUTATIONS {
        let mut forged = [0; 64];
        random.fill_bytes(&mut forged);
        let (body, _) = tokens[0].rsplit_once('.').unwrap();
        let token = format!("{body}.{}", BASE64.encode(forged));
        accepted += usize::from(verifier.verify_at(token.as_bytes(), now()).is_ok());
    }
    assert_eq!(accepted, 0);
}

#[test]
fn more_keys_than_a_rotation_needs_are_refused() {
    let keys = |count| (1..=count).map(|byte| key(byte).verify_key()).collect();
    assert!(Verifier::new(keys(4), CITY).is_ok());
    assert_eq!(Verifier::new(keys(5), CITY).err(), Some(TooManyKeys));
}
