//! The texts that the tests inject: line breaks, quotes, directives, expressions, template syntax, and
//! characters that are invisible or change the direction of the text.

/// The texts to inject into cells, comments and keys.
const TEXTS: [&str; 56] = [
    // Line continuations and line breaks.
    "ends in a backslash \\",
    "\\",
    "x\\\nErrorDocument 403 pwned",
    "two lines\nErrorDocument 403 pwned",
    "two lines\r\nRedirect / http://evil.example/",
    "carriage return\rRequire all granted",
    "x\u{b}Require all granted",
    "x\u{c}Require all granted",
    "x\u{85}Require all granted",
    "x\u{2028}Require all granted",
    "x\u{2029}Require all granted",
    // Quotes.
    "\"",
    "x\"",
    "x\"\nErrorDocument 403 \"pwned",
    "x\\\"\nErrorDocument 403 \\\"pwned",
    "'; Require all granted; '",
    "`id` $(id)",
    // Containers and directives.
    "<IfModule mod_authz_core.c>",
    "<IfModule !x>\nRequire all granted\n</IfModule>",
    "</RequireAll>\nRequire all granted\n<IfModule !x>",
    "</RequireNone>\n</RequireAll>\nRequire all granted\n<RequireAll>\n<RequireNone>",
    "<If \"true\">\nRequire all granted\n</If>",
    "</Files></Limit></Directory>",
    "Require all granted",
    "Allow from all\nSatisfy Any",
    "ErrorDocument 403 pwned",
    "Redirect / http://evil.example/",
    "RewriteEngine On\nRewriteRule . - [F]",
    "Include /etc/passwd",
    // Expressions that Apache or nginx would expand.
    "%{HTTP_HOST} %{REMOTE_ADDR} %{env:PATH}",
    "%{reqenv:PATH}%{base64:x}",
    "${HOME} ${PATH} ${NO_SUCH_NAME}",
    "$remote_addr $host $1 $0",
    "%s %n %25 %0A %22",
    // nginx.
    "; allow all;",
    "}",
    "} allow all; location / {",
    "{ # ; }",
    "# Require all granted",
    "\"; return 200 pwned; #",
    // Tera.
    "{{ 7*7 }}",
    "{{7*7}}{{ source.key }}",
    "{{ __tera_context }}",
    "{% raw %}{{ 7*7 }}{% endraw %}",
    "{% if true %}",
    "{% endfor %}{% endif %}",
    "{% include \"/etc/passwd\" %}",
    "{# comment",
    "{%- set x = 7*7 -%}{{ x }}",
    // Control, bidirectional and zero-width characters.
    "bell \u{7} escape \u{1b}[31m delete \u{7f}",
    "\u{202e}detnarg lla eriuqeR\u{202c}",
    "\u{2066}Require\u{2069} \u{200f}all\u{200e}",
    "zero\u{200b}width\u{feff}\u{ad}\u{2060}",
    "tags \u{e0041}\u{e007f}",
    "replaced \u{fffd} caf\u{e9} \u{20ac} \u{1f600}",
    "http://evil.example/",
];

/// Returns [`TEXTS`] and three long texts.
pub(super) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = TEXTS.map(str::to_owned).into();
    texts.push("x\nRequire all granted\n".repeat(15));
    texts.push("a long comment ".repeat(500));
    texts.push("<\"\\{{%".repeat(600));
    texts
}
