//! What is read, what is refused, and how it is told.

use super::*;
use crate::lake::freshness::Ttl;
use std::time::Duration;

fn load_text(text: &str) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tt.toml");
    std::fs::write(&path, text).expect("a file");
    load(Some(&path), &Vec::new())
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let message = load_text(text).expect_err("a refusal").to_string();
    assert!(message.contains(part), "{message}");
}

#[test]
fn the_defaults_are_usable_and_cover_every_refreshed_dataset() {
    let config = load(None, &Vec::new()).expect("defaults");
    for name in
        ["calendar", "dividends", "earnings", "eod", "market_metrics", "option_chains", "returns_stddev", "symbols"]
    {
        assert!(config.datasets.contains_key(name), "{name}");
    }
    assert_eq!(config.retention("market_metrics_history"), Duration::from_secs(30 * 86_400));
    assert!(!config.datasets.contains_key("market_metrics_history"));
    assert_eq!(config.depends_on("returns_stddev"), ["eod", "expirations"]);
    assert_eq!(config.source_of("eod"), Some("tastytrade"));
    assert_eq!(config.source_of("expirations"), None);
    assert_eq!(config.datasets["eod"].policy.ttl, Ttl::SessionClose(Duration::from_secs(1800)));
    assert!(config.settings.iter().all(|setting| setting.origin == "default"), "{:?}", config.settings);
}

#[test]
fn the_file_says_of_datasets_what_they_say_of_themselves() {
    // All but the source: which one a dataset is fetched from is the configuration's choice alone.
    let sections = |text: &str| {
        let found = Figment::from(Toml::string(text)).find_value("dataset").expect("sections");
        let mut sections = found.into_dict().expect("a section for each dataset");
        for section in sections.values_mut() {
            if let figment::value::Value::Dict(_, keys) = section {
                keys.remove("source");
            }
        }
        sections
    };
    assert_eq!(sections(DEFAULTS), sections(&layer::dataset_sections()));
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    refused("[server]\npgg = \"127.0.0.1:1\"", "unknown key \"server.pgg\"; the nearest is \"server.pg\"");
    refused("[dataset.eodd]\nttl = \"1h\"", "dataset.eodd.ttl");
}

#[test]
fn broken_toml_is_told_in_one_line() {
    let error = check_names(&Figment::from(Toml::string("[limits\nmemory=")), "a.toml").unwrap_err().to_string();
    assert!(error.starts_with("a.toml: TOML parse error at line 1, column 8; ") && !error.contains('\n'), "{error}");
}

#[test]
fn a_bad_value_names_its_key() {
    refused("[dataset.eod]\nttl = \"-5s\"", "dataset.eod.ttl");
    refused("[collect]\nhistory_flush = \"soon\"", "collect.history_flush");
    refused("[collect]\nhistory_flush = \"0s\"", "collect: history_flush");
    refused("[dataset.eod]\ndepends_on = [\"symbol\"]", "no dataset \"symbol\"; the nearest is \"symbols\"");
    refused("[dataset.eod]\ndepends_on = \"symbols\"", "dataset.eod.depends_on");
    refused(
        "[dataset.eod]\ndepends_on = [\"returns_stddev\"]",
        "datasets that wait for each other: eod -> returns_stddev -> eod",
    );
    refused("[dataset.symbols]\ndepends_on = [\"symbols\"]", "symbols -> symbols");
    refused(
        "[dataset.expirations]\ndepends_on = [\"calendar\"]",
        "\"option_chains\" is missing; \"expirations\" is computed from calendar and option_chains",
    );
    refused("[dataset.symbols]\nttl = \"inputs\"", "dataset.symbols.ttl");
    refused("[dataset.eod]\nretention = \"5m\"", "dataset.eod.retention");
    refused("[dataset.eod]\njitter = \"some\"", "dataset.eod.jitter");
    refused("[collect]\nnegative_ttl = \"soon\"", "collect.negative_ttl");
    refused("[collect]\nrefreshes_max = 0", "collect.refreshes_max");
    refused("[collect]\nabsent_percent_max = 101", "collect.absent_percent_max");
    refused("[limits]\nmemory = \"lots\"", "limits.memory");
    refused("[server]\npg = \"nowhere\"", "server.pg");
    refused("[tls]\ncertificate = \"a.crt\"", "tls: certificate and key go together");
    refused("[tls]\nclient_ca = \"a.crt\"", "tls.client_ca");
    refused("[limits]\nconnections = 3", "limits.connections");
    refused("[limits]\nstartup_timeout = \"0s\"", "limits.startup_timeout");
    refused("[limits]\nmessage = \"1kB\"", "limits.message");
    refused("[limits]\nportals = 0", "limits.portals");
    refused("[limits]\nquery_memory = \"5GB\"", "limits.query_memory");
    refused("[limits]\nidle_session_timeout = \"soon\"", "limits.idle_session_timeout");
    refused("[flight]\ncompression = \"gzip\"", "flight.compression");
    refused("[lake]\nmemory = \"3GB\"", "lake.memory is at most half of limits.memory");
    refused("[lake]\ncompression = \"gzip\"", "lake.compression");
    refused("[lake.upkeep]\ninterval = \"0s\"", "lake.upkeep.interval");
    refused("[lake.upkeep]\nvacuum = \"daily\"", "lake.upkeep.vacuum");
    refused("[lake.upkeep]\nsmall_files = 1", "lake.upkeep.small_files is at least 2");
    refused("[lake.upkeep]\nsmall_files_max = 10", "lake.upkeep.small_files_max is at least lake.upkeep.small_files");
    refused("[lake.upkeep]\nsmall_file = 10", "the nearest is \"lake.upkeep.small_files\"");
    refused("[flight]\nflush = \"soon\"", "flight.flush");
    refused("[flight]\nstreams = 0", "flight: streams");
    refused("[flight]\ntoken_key = \"short\"", "flight.token_key has fewer than 32");
    refused("[collect]\nlists = [\"sp5000\"]", "sp5000");
    refused("[source.tastytrade]\nclient_secret = \"x\"", "go together");
    refused("[source.tastytrade]\nbase_url = \"ftp://x\"", "source.tastytrade.base_url");
    refused("[source.tastytrade]\nburst = 0", "source.tastytrade: in_flight, attempts and burst");
    refused("[source.tastytrade]\nbreaker_open = \"soon\"", "source.tastytrade.breaker_open");
    refused(
        "[dataset.eod]\nsource = \"tastytrad\"",
        "dataset.eod.source: there is no source \"tastytrad\"; the nearest is \"tastytrade\"",
    );
}

/// Loads a configuration that names a list `mine`, whose file holds `text`.
fn load_list(text: &str, rest: &str) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mine.csv");
    std::fs::write(&path, text).expect("a file");
    load_text(&format!("[lists]\nmine = {:?}\n{rest}", path.display()))
}

#[test]
fn a_list_of_ones_own_is_named_like_the_others() {
    let rest = "[collect]\nlists = [\"mine\", \"dow30\"]\nlive_lists = [\"mine\"]";
    let config = load_list("# a fund and a share\nSPY\nBRK.B\n", rest).expect("a configuration");
    let symbols = config.lists.members("mine").unwrap_or_default().into_iter().map(|member| member.symbol);
    assert_eq!(symbols.collect::<Vec<_>>(), ["SPY", "BRK/B"]);
    let setting = config.settings.iter().find(|setting| setting.name == "lists.mine").expect("the key");
    assert!(setting.value.contains("mine.csv") && setting.origin.contains("tt.toml"), "{setting:?}");
}

#[test]
fn a_list_that_cannot_be_used_is_refused_with_file_and_line() {
    let refused = |text: &str, part: &str| {
        let message = load_list(text, "").expect_err("a refusal").to_string();
        assert!(message.starts_with("lists.mine: ") && message.contains(part), "{message}");
    };
    refused("AAPL\n\nmsft\n", "mine.csv line 3: \"msft\" is not a symbol");
    refused("symbol,name\n", "there is no symbol in ");
    refused("AAPL,Apple\n", "mine.csv line 1: ");
}

#[test]
fn a_list_without_a_file_or_with_a_name_that_is_taken_is_refused() {
    refused("[lists]\nmine = \"/nowhere/mine.csv\"", "lists.mine: cannot read /nowhere/mine.csv: ");
    refused("[lists]\ndow30 = \"/nowhere/mine.csv\"", "lists.dow30: the program has a list of that name");
    refused("[lists]\n\"my list\" = \"/nowhere/mine.csv\"", "lists.my list: a list's name is made of letters");
    refused("[lists]\nmine = [\"AAPL\"]", "lists.mine");
    refused("[collect]\nlive_lists = [\"mine\"]", "collect.live_lists: no list \"mine\"; there are sp500");
}

#[test]
fn secrets_never_show() {
    let text = "[source.tastytrade]\nclient_secret = \"hush\"\nrefresh_token = \"hush\"";
    let config = load_text(text).expect("a configuration");
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!(config.sources["tastytrade"].client_secret.expose(), "hush");
}

#[test]
fn flags_win_and_say_so() {
    let flags = vec![("server.pg".to_owned(), "127.0.0.1:0".to_owned())];
    let config = load(None, &flags).expect("a configuration");
    assert_eq!(config.server.pg.port(), 0);
    let setting = config.settings.iter().find(|setting| setting.name == "server.pg").expect("the key");
    assert_eq!(setting.origin, "flag");
}

#[test]
fn a_file_of_any_kind_is_read_or_refused_in_one_line() {
    let mut noise = crate::collect::venue::noise::Noise(0x5eed);
    let seed = "[server]\nmax_connections = 5\n[lake]\nwatch = \"1s\"\n[dataset.eod]\nttl = \"session close + 5m\"\n\
        [limits]\nmemory = \"64MB\"\n[collect]\nsymbols = [\"AAPL\"]\n";
    for _ in 0..200 {
        let text = String::from_utf8_lossy(&noise.mutated(seed.as_bytes())).into_owned();
        if let Err(error) = load_text(&text) {
            assert!(!error.to_string().contains('\n'), "{text:?}: {error}");
        }
    }
}
