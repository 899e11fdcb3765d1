//! The registry fixture, on a real registry.

use std::net::TcpStream;

use weir_testkit::own_registry_or_skip;

fn listens(url: &str) -> bool {
    let address = url.trim_start_matches("http://").split('/').next();
    address.is_some_and(|address| TcpStream::connect(address).is_ok())
}

#[test]
fn it_stops_and_comes_back_at_the_same_address() {
    let Some(mut registry) = own_registry_or_skip() else {
        return;
    };
    let url = registry.url();
    assert!(listens(&url));

    registry.stop().unwrap();
    assert!(!listens(&url));
    registry.stop().unwrap();

    registry.restart().unwrap();
    assert_eq!(registry.url(), url);
    assert!(listens(&url));

    drop(registry);
    assert!(!listens(&url));
}
