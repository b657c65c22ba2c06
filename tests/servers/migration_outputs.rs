//! A real Apache serves the outputs in `docs/migration.md`, both those of the Python script and
//! those of this program.

use crate::apache::Apache;
use crate::http::Connection;

const GUIDE: &str = include_str!("../../docs/migration.md");

/// Returns a fenced block of a language. The first block has the index 0.
fn block(language: &str, index: usize) -> &'static str {
    let start = format!("```{language}\n");
    let block = GUIDE.split(&start).nth(index + 1);
    let block = block.unwrap_or_else(|| panic!("the guide has no {language} {index}"));
    block.split("```\n").next().unwrap_or_default()
}

/// The office, its neighbour, the partner, the scanner and a stranger.
const CLIENTS: [&str; 5] = [
    "192.168.1.10",
    "192.168.1.11",
    "172.100.2.77",
    "1.1.1.1",
    "203.0.113.9",
];

/// Returns the status of the answer to each client.
fn answers(apache: &Apache, folder: &str, htaccess: &str) -> [u16; 5] {
    let path = apache.put(folder, htaccess);
    let mut connection = Connection::to(apache.port());
    CLIENTS.map(|client| match connection.get(&path, client) {
        Ok(response) => response.status,
        Err(err) => panic!("{client}: {err}; {}", apache.errors()),
    })
}

#[test]
fn a_real_apache_answers_as_the_migration_guide_says() {
    let apache = Apache::start();
    let original = block("apache", 0);
    assert_eq!(answers(&apache, "original", original), [500; 5]);
    let without_space = original.replace("Allow, Deny", "Allow,Deny");
    assert_eq!(answers(&apache, "one-word", &without_space), [403; 5]);
    let right = [200, 200, 200, 403, 403];
    for (index, name) in ["apache24", "line-by-line", "by-lists"].iter().enumerate() {
        assert_eq!(
            answers(&apache, name, block("text", index)),
            right,
            "{name}"
        );
    }
}

/// Apache reads a range in an old directive as a host name.
#[test]
fn a_real_apache_blocks_no_client_by_a_range() {
    let apache = Apache::start();
    let everybody_but = "Order Allow,Deny\nAllow from all\nDeny from ";
    let answer = |subject: &str| answers(&apache, "range", &format!("{everybody_but}{subject}\n"));
    assert_eq!(answer("1.1.1.1-1.1.1.9"), [200; 5]);
    assert_eq!(answer("1.1.1.1"), [200, 200, 200, 403, 200]);
}
