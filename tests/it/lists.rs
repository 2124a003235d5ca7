//! A list of one's own, from its file to the tables.

use crate::world::{WEDNESDAY, World, configuration, until};
use ttapi::config;
use ttapi::server::Role;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_ones_own_is_collected_marked_and_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (file, list) = (directory.path().join("tt.toml"), directory.path().join("mine.csv"));
    std::fs::write(&list, "# weights do not matter\nsymbol,weight\nAAPL,60\nBRK.B,40\n").unwrap();
    std::fs::write(&file, format!("[lists]\nmine = {:?}\n", list.display().to_string())).unwrap();
    let mut config = configuration();
    config.lists = config::load(Some(&file), &Vec::new()).unwrap().lists;
    config.collect.lists = vec!["mine".to_owned()];
    config.collect.live_lists = vec!["mine".to_owned()];
    config.collect.symbols = Vec::new();
    config.collect.option_underlyings = Vec::new();
    let world = World::with(Role::Collect, config, WEDNESDAY).await;
    world.refresh(&["symbols", "market_metrics"]).await;
    let members = "SELECT string_agg(symbol, ' ' ORDER BY symbol) FROM symbols WHERE 'mine' = ANY(lists)";
    assert_eq!(world.value(members).await, "AAPL BRK/B");
    let collected = "SELECT string_agg(symbol, ' ' ORDER BY symbol) FROM market_metrics";
    assert_eq!(world.value(collected).await, "AAPL BRK/B");
    // Quotes and trades of both.
    until("the list is followed", || async { world.simulator.counters().subscriptions >= 4 }).await;
}
