//! Personal data: one form inside, masked outside.

use super::*;

#[test]
fn numbers_are_brought_to_one_form_and_printed_masked() {
    let cases = [
        ("19900000001", "+8619900000001", "199****0001"),
        ("+86 199-0000-0001", "+8619900000001", "199****0001"),
        ("8619900000001", "+8619900000001", "199****0001"),
        ("008619900000001", "+8619900000001", "199****0001"),
        ("１９９ ００００ ０００１", "+8619900000001", "199****0001"),
        ("0832-2000000", "+868322000000", "0832****00"),
        ("(010)62000000", "+861062000000", "010****00"),
        ("+86 10 6200 0000", "+861062000000", "010****00"),
        ("+852 2000 0000", "+85220000000", "+852****00"),
    ];
    for (given, expected, shown) in cases {
        let phone: Phone = given
            .parse()
            .unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(phone.reveal(), expected, "{given}");
        assert_eq!(phone.to_string(), shown, "{given}");
        assert_eq!(format!("{phone:?}"), shown, "{given}");
        assert_eq!(phone.reveal_extension(), None, "{given}");
    }
}

#[test]
fn an_extension_is_kept_beside_the_number() {
    for given in [
        "010-62000000-801",
        "010-62000000转801",
        "01062000000 转 801",
    ] {
        let phone: Phone = given.parse().unwrap();
        assert_eq!(phone.reveal(), "+861062000000", "{given}");
        assert_eq!(phone.reveal_extension(), Some("801"), "{given}");
    }
}

#[test]
fn what_is_no_citizens_number_is_refused() {
    let cases = [
        ("", PhoneError::Shape),
        ("12345", PhoneError::Shape),
        ("1990000000", PhoneError::Shape),
        ("2000000", PhoneError::Shape),
        ("0832-0000001", PhoneError::Shape),
        ("+0123456789", PhoneError::Shape),
        ("张三", PhoneError::Characters),
        ("199*0000001", PhoneError::Characters),
    ];
    for (given, expected) in cases {
        assert_eq!(given.parse::<Phone>(), Err(expected), "{given}");
    }
}

#[test]
fn names_addresses_and_accounts_are_printed_masked() {
    assert_eq!(
        format!("{:?}", PersonName::new(" 张三丰 ").unwrap()),
        "张**"
    );
    assert_eq!(PersonName::new("欧阳样").unwrap().to_string(), "欧阳**");
    assert_eq!(PersonName::new(" "), None);
    let email: Email = "Abc.Def＠Example.com".parse().unwrap();
    assert_eq!(
        (email.reveal(), format!("{email:?}").as_str()),
        ("abc.def@example.com", "a***@example.com")
    );
    for wrong in [
        "abc@",
        "@example.com",
        "a b@example.com",
        "abc@example",
        "abc@example.",
    ] {
        assert_eq!(wrong.parse::<Email>(), Err(EmailError), "{wrong}");
    }
    let account = Account::new("weibo", "样例用户").unwrap();
    assert_eq!(
        (account.reveal(), format!("{account:?}").as_str()),
        ("样例用户", "weibo:样***")
    );
    assert_eq!(Account::new("weibo", ""), None);
}
