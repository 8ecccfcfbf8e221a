use super::*;

const SINGLE: &str = include_str!("../../../../deploy/config/single.toml");
const DISTRIBUTED: &str = include_str!("../../../../deploy/config/distributed.toml");

#[test]
fn no_file_at_all_is_a_whole_city_in_the_data_folder() {
    let config: Config = parse("", &[]).unwrap();
    assert_eq!(config.database_url(Name::Intake), "sqlite://data/intake.db");
    assert!(config.auto_migrate(Name::ALL));
    assert!(config.server.listen.ip().is_loopback());
    assert!(config.feed.redis_url.is_none());
    assert_eq!(config.zone().unwrap(), Zone::SHANGHAI);
}

#[test]
fn the_sample_of_one_process_says_what_the_defaults_are() {
    let sample: Config = parse(SINGLE, &[]).unwrap();
    assert_eq!(format!("{sample:?}"), format!("{:?}", Config::default()));
}

#[test]
fn the_sample_of_many_processes_has_a_database_per_service_and_refuses_pending_migrations() {
    let config: Config = parse(DISTRIBUTED, &[]).unwrap();
    let urls: Vec<String> = Name::ALL
        .iter()
        .map(|&service| config.database_url(service))
        .collect();
    for (service, url) in Name::ALL.iter().zip(&urls) {
        assert!(url.starts_with("postgres://"), "{service}: {url}");
        assert_eq!(
            urls.iter().filter(|other| *other == url).count(),
            1,
            "{service} has its own"
        );
    }
    assert!(!config.auto_migrate(Name::ALL));
    assert!(config.feed.redis_url.is_some());
}

#[test]
fn the_sample_of_many_processes_gives_each_a_port_of_its_own_on_loopback() {
    let config: Config = parse(DISTRIBUTED, &[]).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for service in Name::ALL {
        let address = config.peers[service].strip_prefix("https://").unwrap();
        let address: std::net::SocketAddr = address.parse().unwrap();
        assert!(address.ip().is_loopback(), "{service}: {address}");
        assert!(seen.insert(address), "{service} shares {address}");
        let command = DISTRIBUTED
            .lines()
            .find(|line| line.contains(&format!("hotline run {service} ")))
            .unwrap_or_else(|| panic!("how {service} is started"));
        let listen = format!("HOTLINE__SERVER__LISTEN={address} ");
        assert!(
            config.server.listen == address || command.contains(&listen),
            "{service} listens where its peers look: {command}"
        );
        let tls = config.tls.as_ref().unwrap();
        for (key, own) in [
            ("CERTIFICATE", &tls.certificate_file),
            ("KEY", &tls.key_file),
        ] {
            let kind = own.extension().unwrap().display();
            let file = format!("/etc/hotline/tls/{service}.{kind}");
            let given = format!("HOTLINE__TLS__{key}_FILE={file} ");
            assert!(
                own.as_path() == Path::new(&file) || command.contains(&given),
                "{service} shows its own certificate: {command}"
            );
        }
    }
    for line in SINGLE.lines().filter(|line| line.contains("= \"http://")) {
        assert!(
            line.contains("otlp_endpoint"),
            "a peer in the clear: {line}"
        );
    }
}

#[test]
fn every_key_stands_in_a_sample() {
    for key in [
        "data_dir",
        "zone",
        "secret_file",
        "signing_key_file",
        "verifying_key_files",
        "certificate_file",
        "key_file",
        "ca_file",
        "clients",
        "listen",
        "metrics_listen",
        "reflection",
        "drain_s",
        "cipher",
        "key_file",
        "erased_file",
        "connections_max",
        "critical",
        "interactive",
        "bulk",
        "url",
        "auto_migrate",
        "database_url",
        "batch_max",
        "reveals_per_hour_max",
        "reveals_per_hour_unusual",
        "tell_citizens_who_looked",
        "wrong_codes_per_number_max",
        "wrong_codes_reserve",
        "wrong_codes_per_address_max",
        "wrong_codes_per_network_max",
        "wrong_codes_per_minute_max",
        "wrong_codes_per_minute_alarm",
        "policy_profile",
        "basic_is_satisfied",
        "on_time_weight",
        "solved_weight",
        "satisfied_weight",
        "ranked_min",
        "public_url",
        "password_days",
        "password_memory_kib",
        "password_passes",
        "key_environment",
        "issuer",
        "client_id",
        "client_secret_file",
        "ca_file",
        "reauthenticate",
        "second_factor_acr",
        "second_factor_amr",
        "redis_url",
        "lease_s",
        "log_format",
        "log_filter",
        "otlp_endpoint",
    ] {
        assert!(
            SINGLE.contains(&format!("{key} = ")),
            "single.toml explains `{key}`"
        );
    }
}

#[test]
fn a_misspelt_key_or_service_is_refused_by_name() {
    let cases = [
        ("[server]\nlisten_on = \"127.0.0.1:1\"", "listen_on"),
        ("[intake]\ndatabase = \"sqlite://x.db\"", "database"),
        ("[reporting]\nranked_minimum = 3", "ranked_minimum"),
        ("[intake]\ndatabase_url = 3", "database_url"),
        ("[intake]\nbatch_max = 0", "batch_max"),
        ("[feed]\nlease_s = 2", "lease_s"),
        (
            "[gateway]\npassword_memory_kib = 1024",
            "password_memory_kib",
        ),
        ("[gateway]\npassword_passes = 1", "password_passes"),
        ("[gateway]\nkey_environment = \"A b\"", "key_environment"),
        ("[peers]\nrouteing = \"http://routing:7010\"", "routeing"),
        ("colour = 1", "colour"),
    ];
    for (text, named) in cases {
        let message = parse::<Config>(text, &[]).unwrap_err().to_string();
        assert!(message.contains(named), "{text}: {message}");
    }
}

#[test]
fn a_service_may_have_a_database_of_its_own() {
    let text = "[database]\nurl = \"postgres://db/{service}\"\n[routing]\ndatabase_url = \"postgres://other/r\"\n";
    let config: Config = parse(text, &[]).unwrap();
    assert_eq!(config.database_url(Name::Intake), "postgres://db/intake");
    assert_eq!(config.database_url(Name::Routing), "postgres://other/r");
}
