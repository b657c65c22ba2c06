//! The table of the built-in templates.

/// A built-in template.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// The name that selects the template in the `TEMPLATE` setting and in `--template`.
    pub name: &'static str,
    /// The source in Tera's syntax.
    pub source: &'static str,
    /// The server or purpose of the template, in a few words.
    pub about: &'static str,
    /// A suitable ending for the output key, such as `.htaccess` or `nginx.conf`.
    pub ending: &'static str,
}

impl BuiltIn {
    /// Returns the built-in template with this name, or `None` if there is none.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        BUILT_IN.into_iter().find(|template| template.name == name)
    }
}

/// The built-in templates, in the order in which they are listed.
pub const BUILT_IN: [BuiltIn; 10] = [
    BuiltIn {
        name: "apache24",
        source: include_str!("templates/apache24.tera"),
        about: "Apache 2.4: .htaccess with Require",
        ending: ".htaccess",
    },
    BuiltIn {
        name: "apache22",
        source: include_str!("templates/apache22.tera"),
        about: "Apache 2.2, or 2.4 with mod_access_compat: .htaccess with Order",
        ending: ".htaccess",
    },
    BuiltIn {
        name: "nginx",
        source: include_str!("templates/nginx.tera"),
        about: "nginx: allow and deny for a location",
        ending: "nginx.conf",
    },
    BuiltIn {
        name: "nginx-geo",
        source: include_str!("templates/nginx-geo.tera"),
        about: "nginx: the content of a geo block, fast for long lists",
        ending: "geo",
    },
    BuiltIn {
        name: "haproxy",
        source: include_str!("templates/haproxy.tera"),
        about: "HAProxy: a pattern file with the allowed addresses",
        ending: "lst",
    },
    BuiltIn {
        name: "caddy",
        source: include_str!("templates/caddy.tera"),
        about: "Caddy 2: a snippet to import first in a route block",
        ending: "caddy",
    },
    BuiltIn {
        name: "nftables",
        source: include_str!("templates/nftables.tera"),
        about: "nftables: two sets with the allowed addresses",
        ending: "nft",
    },
    BuiltIn {
        name: "aws-waf",
        source: include_str!("templates/aws-waf.tera"),
        about: "AWS WAF: two IP sets as JSON, at most 10,000 networks each",
        ending: "waf.json",
    },
    BuiltIn {
        name: "plain",
        source: include_str!("templates/plain.tera"),
        about: "the allowed addresses, one network per line",
        ending: "txt",
    },
    BuiltIn {
        name: "json",
        source: include_str!("templates/json.tera"),
        about: "the policy as data",
        ending: "json",
    },
];

/// Returns the names of the built-in templates as a comma-separated list, for messages.
#[must_use]
pub fn built_in_names() -> String {
    BUILT_IN.map(|template| template.name).join(", ")
}
