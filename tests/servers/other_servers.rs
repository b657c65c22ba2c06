//! Tests the templates for servers other than Apache with the real servers. The outputs that are
//! not for a particular server are parsed here.

use std::net::IpAddr;
use std::time::Instant;

use htaccess_generator::render::Template;
use ipnet::IpNet;
use serde_json::Value;

use crate::caddy::{self, Caddy};
use crate::compare::{Case, Comparison, cases, generated, output};
use crate::haproxy::{self, HaProxy};
use crate::http::Connection;
use crate::nftables::Network;
use crate::nginx::Nginx;
use crate::{built_in, check, conclude, documented, named, probe_nginx, tell};

/// Returns the outputs of a template that may print IPv4-mapped networks, which [`outputs`] would reject.
fn outputs_with_mapped(template: &str, cases: &[Case]) -> Vec<String> {
    let template = built_in(template);
    let outputs = cases.iter().map(|case| generated(case, &template));
    outputs.collect()
}

/// Returns the outputs of a built-in template.
fn outputs(template: &str, cases: &[Case]) -> Vec<String> {
    let template = built_in(template);
    cases.iter().map(|case| output(case, &template)).collect()
}

#[test]
fn a_real_nginx_agrees_with_the_oracle_on_geo() {
    let (start, cases) = (Instant::now(), cases());
    let outputs = outputs("nginx-geo", &cases);
    let nginx = Nginx::start_geo(named(&cases, &outputs));
    probe_nginx("nginx-geo", start, &cases, &outputs, &nginx);
}

#[test]
fn a_real_haproxy_agrees_with_the_oracle() {
    let (start, cases) = (Instant::now(), cases());
    let outputs = outputs_with_mapped("haproxy", &cases);
    let haproxy = HaProxy::start(named(&cases, &outputs));
    let mut connection = Connection::to(haproxy.port());
    let mut tally = Comparison::default();
    for (case, file) in cases.iter().zip(&outputs) {
        tally.add_output(file);
        tally.probe(case, &haproxy::path(&case.folder), &mut connection);
        check("haproxy", &tally, case, file, || haproxy.errors());
    }
    conclude("haproxy", &tally, start);
}

#[test]
fn a_real_haproxy_agrees_with_the_oracle_on_the_documented_map() {
    let (start, cases) = (Instant::now(), cases());
    let template = documented::example("HAProxy with a map", "jinja");
    let template = Template::compile(template).unwrap_or_else(|err| panic!("{err}"));
    let outputs = cases.iter().map(|case| generated(case, &template));
    let outputs: Vec<String> = outputs.collect();
    let haproxy = HaProxy::start_by_maps(named(&cases, &outputs));
    let mut connection = Connection::to(haproxy.port());
    let mut tally = Comparison::default();
    for (case, file) in cases.iter().zip(&outputs) {
        tally.add_output(file);
        tally.probe(case, &haproxy::path(&case.folder), &mut connection);
        check("haproxy by a map", &tally, case, file, || haproxy.errors());
    }
    conclude("haproxy by a map", &tally, start);
}

/// The tunnel addresses `2002::/16` and `::/96` match IPv4 patterns in the installed HAProxy. The
/// template therefore prints IPv4 networks as IPv4-mapped networks.
#[test]
fn haproxy_compares_tunnel_addresses_with_ipv4_patterns() {
    for refused in ["192.0.2.1-192.0.2.9", "192.0.2.1/33", "192.0.2.1 # office"] {
        assert!(haproxy::complaint_about(refused).is_some(), "{refused}");
    }
    let lists = [
        ("as-ipv4", "192.0.2.0/24"),
        ("as-ipv6", "::ffff:192.0.2.0/120"),
    ];
    let haproxy = HaProxy::start(lists.into_iter());
    let mut connection = Connection::to(haproxy.port());
    let mut status = |name: &str, client: &str| {
        let response = connection.get(&haproxy::path(name), client);
        response.expect("an answer").status
    };
    for client in ["192.0.2.7", "::ffff:192.0.2.7"] {
        assert_eq!(
            (status("as-ipv4", client), status("as-ipv6", client)),
            (200, 200)
        );
    }
    for client in ["2002:c000:207::1", "::192.0.2.7"] {
        assert_eq!(
            (status("as-ipv4", client), status("as-ipv6", client)),
            (200, 403)
        );
    }
}

/// The number of policies per Caddy, because Caddy reads a long configuration slowly.
const CADDY_POLICIES: usize = 50;

#[test]
fn a_real_caddy_agrees_with_the_oracle() {
    let (start, cases) = (Instant::now(), cases());
    let outputs = outputs("caddy", &cases);
    let mut tally = Comparison::default();
    let parts = cases.chunks(CADDY_POLICIES);
    for (cases, outputs) in parts.zip(outputs.chunks(CADDY_POLICIES)) {
        let caddy = Caddy::start(named(cases, outputs));
        let mut connection = Connection::to(caddy.port());
        for (case, file) in cases.iter().zip(outputs) {
            tally.add_output(file);
            let path = caddy::path(&case.folder);
            tally.probe_spelled(case, &path, &mut connection, caddy::spelling);
            check("caddy", &tally, case, file, || caddy.errors());
        }
    }
    conclude("caddy", &tally, start);
}

/// The reason why `docs/web-servers.md` puts the snippet into a `route` block, and proof that the
/// block is sufficient.
#[test]
fn caddy_runs_a_handle_before_a_snippet_outside_of_route() {
    let nobody =
        caddy::forwarded("@outside_acme {\n\tremote_ip 0.0.0.0/0\n}\nrespond @outside_acme 403");
    let handle = "\thandle /page {\n\trespond in\n\t}\n";
    for (site, expected) in [
        (format!("{nobody}\n{handle}"), 200),
        (format!("\troute {{\n{nobody}\n{handle}\t}}\n"), 403),
    ] {
        let caddy = Caddy::start_with(&site);
        let response = Connection::to(caddy.port()).get("/page", "192.0.2.1");
        assert_eq!(response.expect("an answer").status, expected, "{site}");
    }
}

#[test]
fn caddy_refuses_lines_that_the_template_avoids() {
    for refused in ["10.0.0.0/255.0.0.0", "192.0.2.1-192.0.2.9", "192.0.2.1/33"] {
        let snippet = format!("@x remote_ip {refused}\nrespond @x 403\n");
        let complaint = caddy::complaint(std::iter::once(("one", snippet.as_str())));
        assert!(complaint.is_some(), "{refused} is accepted");
    }
}

#[test]
fn nft_accepts_the_sets_and_packets_pass_according_to_the_oracle() {
    let Some(network) = Network::new() else {
        tell(
            "nftables: NOT CHECKED, for this machine lets nobody have a network of their own (unshare --net)",
        );
        return;
    };
    let (start, cases) = (Instant::now(), cases());
    // Ranges can end inside the IPv4-mapped block, which the check in [`outputs`] rejects. Networks cannot.
    let outputs = outputs_with_mapped("nftables", &cases);
    for (case, file) in cases.iter().zip(&outputs) {
        if let Some(complaint) = network.complaint(file) {
            panic!(
                "nft -c is not content with {}:\n{complaint}\n{file:.2000}",
                case.origin
            );
        }
    }
    let broken = outputs[0].replace("type ipv4_addr", "type ipv6_addr");
    assert!(network.complaint(&broken).is_some(), "{broken}");
    let named: Vec<(&Case, &str)> = cases
        .iter()
        .zip(outputs.iter().map(String::as_str))
        .collect();
    let mut tally = Comparison::default();
    let connections = network.connections(&named);
    assert_eq!(connections.len(), cases.len());
    let clients = || connections.iter().flatten().map(|(client, _)| client);
    let ipv6 = clients().filter(|client| client.is_ipv6()).count();
    tell(&format!(
        "nftables: {ipv6} of {} connections by IPv6",
        clients().count()
    ));
    assert!((clients().count() / 5..clients().count() * 4 / 5).contains(&ipv6));
    for ((case, file), connections) in named.into_iter().zip(connections) {
        tally.add_output(file);
        tally.compare(case, connections);
        check("nftables", &tally, case, file, String::new);
    }
    conclude("nftables", &tally, start);
}

/// Returns whether one of the networks contains this client. IPv4 and IPv6 are separate.
fn has(networks: &[IpNet], client: IpAddr) -> bool {
    let client = client.to_canonical();
    networks.iter().any(|network| network.contains(&client))
}

fn parsed(text: &str) -> IpNet {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.unwrap_or_else(|err| panic!("{text}: {err}"));
    assert_eq!(network, network.trunc(), "{text} has host bits");
    network
}

fn strings(value: &Value) -> Vec<IpNet> {
    let strings = value.as_array().expect("an array").iter();
    strings
        .map(|text| parsed(text.as_str().expect("a string")))
        .collect()
}

fn json(file: &str) -> Value {
    serde_json::from_str(file).unwrap_or_else(|err| panic!("{err}\n{file:.2000}"))
}

#[test]
fn plain_lists_and_json_agree_with_the_oracle() {
    let (start, cases) = (Instant::now(), cases());
    let (mut plain, mut data) = (Comparison::default(), Comparison::default());
    for case in &cases {
        let file = output(case, &built_in("plain"));
        let lines = file.lines().filter(|line| !line.starts_with('#'));
        let networks: Vec<IpNet> = lines.map(parsed).collect();
        plain.evaluate(case, |client| has(&networks, client));
        check("plain", &plain, case, &file, String::new);

        let file = output(case, &built_in("json"));
        let policy = json(&file);
        let (allow, deny) = (strings(&policy["allow"]), strings(&policy["deny"]));
        assert_eq!(policy["networks"]["allow"], allow.len());
        assert_eq!(policy["networks"]["deny"], deny.len());
        assert_eq!(policy["source"]["key"], case.key);
        data.evaluate(case, |client| {
            let is_open = policy["default_policy"] == "allow";
            !has(&deny, client) && (is_open || has(&allow, client))
        });
        check("json", &data, case, &file, String::new);
    }
    conclude("plain", &plain, start);
    conclude("json", &data, start);
}

/// Checks the limits that the AWS reference states for `CreateIPSet`. The test does not call AWS,
/// and cfn-lint does not check these limits.
#[test]
fn ip_sets_follow_the_aws_reference_and_agree_with_the_oracle() {
    let (start, cases) = (Instant::now(), cases());
    let mut tally = Comparison::default();
    for case in &cases {
        let file = output(case, &built_in("aws-waf"));
        let sets = json(&file);
        let sets = sets.as_array().expect("an array");
        let versions: Vec<&Value> = sets.iter().map(|set| &set["IPAddressVersion"]).collect();
        assert_eq!(versions, ["IPV4", "IPV6"]);
        let mut networks = Vec::new();
        for set in sets {
            networks.extend(checked(set));
        }
        let names = sets.iter().map(|set| set["Name"].as_str().expect("a name"));
        let is_permitted = |name: &str| name.contains("-permitted-ipv");
        let permitted: Vec<bool> = names.map(is_permitted).collect();
        assert_eq!(permitted[0], permitted[1], "{file:.2000}");
        tally.evaluate(case, |client| has(&networks, client) == permitted[0]);
        check("aws-waf", &tally, case, &file, String::new);
    }
    conclude("aws-waf", &tally, start);
}

fn checked(set: &Value) -> Vec<IpNet> {
    let keys: Vec<&str> = set
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "Addresses",
            "Description",
            "IPAddressVersion",
            "Name",
            "Scope"
        ]
    );
    let text = |name: &str| set[name].as_str().expect("a string");
    let name = text("Name");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert!(
        (1..=128).contains(&name.len()) && name.chars().all(|c| is_word(c) || c == '-'),
        "{name}"
    );
    let description = text("Description");
    let ends = |c: char| is_word(c) || "+=:#@/-,.".contains(c);
    assert!((3..=256).contains(&description.len()), "{description}");
    assert!(
        description.starts_with(ends) && description.ends_with(ends),
        "{description}"
    );
    assert!(
        description.chars().all(|c| ends(c) || c == ' '),
        "{description}"
    );
    assert_eq!(text("Scope"), "REGIONAL");
    let addresses = set["Addresses"].as_array().expect("an array");
    assert!(addresses.len() <= 10_000, "{}", addresses.len());
    let networks = strings(&set["Addresses"]);
    for (address, network) in addresses.iter().zip(&networks) {
        let address = address.as_str().expect("a string");
        assert!(
            address.contains('/') && network.prefix_len() > 0,
            "{address}"
        );
        assert_eq!(
            network.addr().is_ipv4(),
            text("IPAddressVersion") == "IPV4",
            "{address}"
        );
    }
    networks
}
