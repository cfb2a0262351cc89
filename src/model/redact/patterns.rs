//! Secrets that a regular expression finds: by the command that takes them, the header or host
//! before them, or their shape.
//!
//! Every repetition is bounded, so that no text makes one of them slow. Classes are of ASCII where
//! they can be.

use super::rules::Pattern;

const fn pattern(name: &'static str, hints: &'static [&'static str], regex: &'static str) -> Pattern {
    Pattern { name, hints, regex }
}

pub(super) const PATTERNS: &[Pattern] = &[
    // Shapes that do not begin alike.
    pattern(
        "JSON web token; those of Kubernetes' service accounts are of this shape",
        &["eyJ"],
        r"(?-u:\b)(?<secret>eyJ[A-Za-z0-9_-]{10,20000}\.[A-Za-z0-9_-]{4,20000}(?:\.[A-Za-z0-9_-]{0,2000}){1,3})",
    ),
    pattern(
        "Discord bot token: its id in base64, the time, a MAC",
        &["."],
        r"(?-u:\b)(?<secret>[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,60})(?-u:\b)",
    ),
    pattern(
        "Discord token of a user with a second factor",
        &["mfa."],
        r"(?-u:\b)(?<secret>mfa\.[A-Za-z0-9_-]{60,100})",
    ),
    pattern("SendGrid", &["SG."], r"(?-u:\b)(?<secret>SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,60})"),
    pattern("Telegram bot token", &[":AA"], r"(?<secret>(?-u:\b)[0-9]{8,10}:AA[A-Za-z0-9_-]{32,35})"),
    pattern("Vault token of old", &["s.", "b.", "r."], r"(?-u:\b)(?<secret>[sbr]\.[A-Za-z0-9]{24})(?-u:\b)"),
    pattern("Terraform Cloud", &[".atlasv1."], r"(?<secret>[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70})"),
    pattern(
        "Mailchimp: the data centre follows the key",
        &["-us"],
        r"(?-u:\b)(?<secret>[0-9a-f]{32}-us[0-9]{1,2})(?-u:\b)",
    ),
    pattern("New Relic licence key", &["NRAL"], r"(?-u:\b)(?<secret>[A-Za-z0-9]{36}NRAL)(?-u:\b)"),
    pattern("Azure application secret", &["8Q~", "7Q~"], r"(?<secret>[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34})"),
    pattern(
        "AWS secret key beside its access key",
        &["AKIA", "ASIA", "***"],
        r#"(?:(?:AKIA|ASIA)[A-Z0-9]{16}|aws[^\s]{0,20} \*\*\*)[\s:,/|"']{1,4}(?<secret>[A-Za-z0-9/+]{40})(?-u:\b)"#,
    ),
    pattern(
        "kubeadm join token",
        &["kubeadm"],
        r"kubeadm[^\n]{0,200}?(?<secret>(?-u:\b)[a-z0-9]{6}\.[a-z0-9]{16})(?-u:\b)",
    ),
    pattern("Rancher token", &["token-"], r"(?<secret>token-[a-z0-9]{5}:[a-z0-9]{54})"),
    // Hashes of passwords: weak ones are found out in hours.
    pattern(
        "crypt, bcrypt, argon2 and their like",
        &["$"],
        r"(?<secret>\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|scrypt|argon2(?:id|i|d))\$[A-Za-z0-9./$=,+*@-]{12,400})",
    ),
    pattern(
        "SCRAM verifier of PostgreSQL",
        &["SCRAM-SHA-"],
        r"(?<secret>SCRAM-SHA-[0-9]{1,3}\$[0-9]{1,9}:[A-Za-z0-9+/=$:]{20,400})",
    ),
    pattern(
        "Django's and others' hashes",
        &["pbkdf2_", "pbkdf2:"],
        r"(?<secret>pbkdf2[_:]sha[0-9]{1,3}[$:][0-9]{1,9}\$[^\s]{10,200})",
    ),
    pattern(
        "LDAP's hashes",
        &["sha}", "md5}", "crypt}"],
        r"(?i)(?<secret>\{(?:s?sha[0-9]{0,3}|s?md5|crypt)\}[A-Za-z0-9+/=$.]{10,200})",
    ),
    pattern("MySQL's hash", &["*"], r"(?:^|[\s'])(?<secret>\*[0-9A-F]{40})(?-u:\b)"),
    // Headers and the like.
    pattern(
        "bearer token",
        &["bearer"],
        r"(?i)(?-u:\b)bearer[\s:+]{1,3}(?<secret>(?:[A-Za-z0-9._~+/=-]{20,8000}|[A-Za-z._~+/=-]{0,60}[0-9][A-Za-z0-9._~+/=-]{6,8000}))",
    ),
    pattern(
        "user and password in base64",
        &["basic"],
        r"(?i)(?-u:\b)basic\s{1,2}(?<secret>(?<login>[A-Za-z0-9+/]{6,4000})={0,2})",
    ),
    pattern(
        "schemes of Authorization",
        &["geniekey", "apikey ", "splunk "],
        r"(?-u:\b)(?:GenieKey|ApiKey|Splunk)\s(?<secret>[A-Za-z0-9+/=_-]{16,400})",
    ),
    pattern("token scheme", &["token token="], r#"(?i)token\s(?:token=)"?(?<secret>[^\s",]{4,400})"#),
    pattern(
        "Docker's and npm's logins",
        &["auth"],
        r#"(?i)(?-u:\b)_?auth\\{0,3}"?\s?[:=]\s?\\{0,3}"?(?<secret>(?<login>[A-Za-z0-9+/]{6,4000})={0,2})"#,
    ),
    pattern(
        "SMTP and IMAP logins",
        &["auth "],
        r"(?-u:\b)AUTH(?:ENTICATE)?\s(?:PLAIN|LOGIN|XOAUTH2)\s(?<secret>[A-Za-z0-9+/=]{8,4000})",
    ),
    pattern("FTP and POP3 logins", &["pass "], r"(?m)^(?:[<>-]{1,4}\s?)?PASS\s(?<secret>[^\s]{3,200})$"),
    pattern(
        "Redis logins",
        &["auth ", "requirepass", "masterauth"],
        r#"(?-u:\b)(?:(?i:requirepass|masterauth)|AUTH(?:\s[a-z][\w.-]{0,40})?)\s"?(?<secret>[^\s"]{0,100}(?:[0-9!@#$%^&*+=]|[a-z])[^\s"]{2,200})"?(?:$|\s)"#,
    ),
    pattern("Redis users", &["setuser"], r"(?i)setuser\s[^\n]{0,200}?\s>(?<secret>[^\s]{3,200})"),
    pattern("digest of HTTP", &["response="], r#"(?i)digest\s[^\n]{0,400}?response="(?<secret>[0-9a-f]{32,64})"#),
    // URLs.
    pattern(
        "signed URLs: Azure, AWS, Google",
        &["sig", "security"],
        r"(?i)[?&;,\s](?:sig|signature|x-amz-signature|x-goog-signature|x-amz-security-token|hmac)=(?<secret>[^\s&;,\x22'<>\\]{8,2000})",
    ),
    pattern(
        "keys in queries",
        &["key="],
        r#"(?i)[?&](?:key|subscription-key|x-api-key)=(?<secret>[^\s&"'<>\\]{16,400})"#,
    ),
    pattern(
        "codes of OAuth",
        &["code="],
        r#"(?i)[?&](?:code|id_token_hint|code_verifier)=(?<secret>[^\s&"'<>\\]{16,2000})"#,
    ),
    pattern(
        "Discord's webhooks",
        &["/api/webhooks/"],
        r"(?i)/api/webhooks/(?<secret>[0-9]{1,24}/[A-Za-z0-9_-]{3,200})",
    ),
    pattern(
        "Slack's webhooks",
        &["hooks.slack.com/"],
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9/_-]{6,400})",
    ),
    pattern(
        "Teams' webhooks",
        &["/webhookb2/", "/webhook/"],
        r"(?i)office(?:365)?\.com/webhook(?:b2)?/(?<secret>[A-Za-z0-9@/_-]{20,400})",
    ),
    pattern(
        "Telegram's methods",
        &["api.telegram.org/bot"],
        r"(?i)api\.telegram\.org/bot(?<secret>[0-9]{3,12}:[A-Za-z0-9_-]{10,60})",
    ),
    pattern(
        "PagerDuty's integrations",
        &["pagerduty.com/"],
        r"(?i)pagerduty\.com/(?:integration|x-ere|v1/webhooks?)/(?<secret>[A-Za-z0-9_-]{16,64})",
    ),
    pattern(
        "VictorOps' integrations",
        &["victorops.com/"],
        r"(?i)victorops\.com/integrations/generic/[0-9]{1,12}/alert/(?<secret>[A-Za-z0-9-]{16,64})",
    ),
    pattern(
        "catch hooks",
        &["zapier.com/hooks", "ifttt.com"],
        r"(?i)(?:hooks\.zapier\.com/hooks/catch|maker\.ifttt\.com/trigger/[\w-]{1,60}/with/key)/(?<secret>[A-Za-z0-9/_-]{8,100})",
    ),
    pattern(
        "Mattermost's and Rocket.Chat's webhooks",
        &["/hooks/"],
        r"(?-u:\b)/hooks/(?<secret>[A-Za-z0-9]{17,26}(?:/[A-Za-z0-9]{20,80})?)(?-u:\b)",
    ),
    pattern(
        "dead man's switches",
        &["hc-ping.com", "nosnch.in", "healthchecks.io/ping"],
        r"(?i)(?:hc-ping\.com|nosnch\.in|healthchecks\.io/ping)/(?<secret>[A-Za-z0-9-]{8,60})",
    ),
    // Connection strings without a scheme.
    pattern(
        "user:password@host",
        &["@"],
        r"(?:^|[\s=\x22'(,])(?<user>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}):(?<secret>[^\s:/@\x22'<>]{3,200})@(?:[A-Za-z][A-Za-z0-9.-]{0,200}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[)(?::[0-9]{2,5})?(?:[/\s\x22',)]|$)",
    ),
    pattern("MySQL's DSN in Go", &["@tcp(", "@unix("], r"[\w.-]{1,64}:(?<secret>[^\s]{1,200})@(?:tcp|unix)\("),
    pattern(
        "Oracle's user/password@service",
        &["sqlplus", "expdp", "impdp", "rman", "sqlldr", "oracle:", "connect", "conn ", "userid="],
        r"(?i)(?:(?-u:\b)(?:sqlplus|expdp|impdp|rman|sqlldr|connect|conn|userid=)(?:\s-[A-Za-z]{1,2})?\s?|oracle:(?:thin|oci):)(?:target\s)?[A-Za-z][\w$#]{0,60}/(?<secret>[^\s/@]{2,100})@",
    ),
    pattern(
        "ODBC's PWD",
        &["pwd="],
        r"(?i)(?:^|[;\s\x22'])pwd=(?<secret>\{[^}\n]{1,200}\}|[^/~.\s;\x22'][^\s;\x22']{0,200})",
    ),
    pattern(
        ".pgpass",
        &[":"],
        r"(?m)(?:^|[\s])[A-Za-z0-9*/][A-Za-z0-9.*/_-]{0,200}:(?:[0-9]{4,5}|\*):[A-Za-z0-9_*-]{1,63}:[A-Za-z_*][A-Za-z0-9_.*-]{0,63}:(?<secret>[^\s]{1,200})$",
    ),
    pattern(
        ".netrc",
        &["login", "machine"],
        r"(?i)(?-u:\b)(?:login|machine)\s{1,4}[^\s]{1,100}\s{1,8}password\s{1,4}(?<secret>[^\s]{1,200})",
    ),
    pattern(
        "fields of a cookie",
        &["sid=", "session="],
        r"(?i)(?-u:\b)(?:connect\.sid|[a-z]{0,12}sess(?:ion)?(?:_?id)?|sid)=(?<secret>[A-Za-z0-9%._:/+-]{16,400})",
    ),
    // Markup.
    pattern(
        "entries of XML by their names",
        &["key=", "name="],
        r#"(?i)(?:key|name)=\\{0,3}"(?<name>[^"<>\n]{1,100})"\s{0,4}>(?<secret>[^<]{1,400})<"#,
    ),
    pattern(
        "attributes of XML by their names",
        &["value="],
        r#"(?i)(?:key|name)=\\{0,3}"(?<name>[^"<>\n]{1,100})"\s[^<>\n]{0,200}?value=\\{0,3}"(?<secret>[^"\n]{1,400})""#,
    ),
    pattern(
        "properties of Hadoop and of plists",
        &["<name>", "<key>"],
        r"(?i)<(?:name|key)>(?<name>[^<>\n]{1,100})</(?:name|key)>\s{0,40}<(?:value|string)>(?<secret>[^<]{1,400})<",
    ),
    pattern(
        "private members of a JSON web key",
        &["kty"],
        r#""(?:d|p|q|dp|dq|qi|k)\\{0,3}"\s?:\s?\\{0,3}"(?<secret>[A-Za-z0-9_-]{20,2000})"#,
    ),
    // Command lines.
    pattern(
        "curl, wget and their like",
        &["curl", "wget", "http", "xh"],
        r#"(?-u:\b)(?:curl|wget|http|https|xh)(?-u:\b)[^\n|;]{0,400}?\s(?:-[A-Za-z]{0,6}u|--(?:proxy-)?user)[\s=]?\\{0,3}["']?[^\s:"']{0,100}:(?<secret>[^\s"']{1,200})"#,
    ),
    pattern(
        "HTTPie",
        &["http"],
        r#"(?-u:\b)https?\s[^\n|;]{0,400}?-a\s?\\{0,3}["']?[^\s:"']{0,100}:(?<secret>[^\s"']{1,200})"#,
    ),
    pattern(
        "MySQL's clients take it without a space",
        &["mysql", "mariadb"],
        r#"(?-u:\b)(?:mysql|mariadb)[a-z_-]{0,12}\s[^\n|;]{0,400}?-p\\{0,3}["']?(?<secret>[^\s"'-][^\s"']{0,200})"#,
    ),
    pattern(
        "commands with -p",
        &["-p"],
        r#"(?-u:\b)(?:sshpass|docker\slogin|podman\slogin|buildah\slogin|skopeo\slogin|oras\slogin|helm\sregistry\slogin|oc\slogin|az\slogin|cf\slogin|mongo[a-z]{0,8}|mongosh|vncviewer|xfreerdp|unrar|zip|unzip|7z|useradd|rabbitmqadmin|influx|cockroach|cqlsh|sqlcmd|smbmap|crackmapexec|nxc|tsm|snowsql|k6|ansible-vault)(?-u:\b)[^\n|;]{0,400}?\s-[pP][\s=]?\\{0,3}["']?(?<secret>[^\s"'-][^\s"']{0,200})"#,
    ),
    pattern(
        "commands with -w, -P, -a or -c",
        &["ldap", "ipmitool", "sqlcmd", "bcp", "redis-cli", "snmp", "isql", "tsql"],
        r#"(?-u:\b)(?:ldap[a-z]{3,8}\s[^\n|;]{0,400}?\s-w|(?:ipmitool|sqlcmd|bcp|isql|tsql)\s[^\n|;]{0,400}?\s-P|redis-cli\s[^\n|;]{0,400}?-a|snmp[a-z]{3,8}\s[^\n|;]{0,400}?\s-[cAX])\s?\\{0,3}["']?(?<secret>[^\s"'-][^\s"']{0,200})"#,
    ),
    pattern(
        "a flag -p beside a user's",
        &[" -p "],
        r#"\s(?:-[uU]|--user(?:name)?)[\s=]?[^\s]{1,100}\s(?:[^\n|;]{0,200}?\s)?-p\s\\{0,3}["']?(?<secret>[^\s"'-][^\s"']{0,200})"#,
    ),
    pattern(
        "SMB's user%password",
        &["smb", "rpcclient", "net rpc"],
        r#"(?-u:\b)(?:smb[a-z]{3,8}|rpcclient|net\srpc)\s[^\n|;]{0,400}?-U\s?\\{0,3}["']?[^\s%"']{1,100}%(?<secret>[^\s"']{1,200})"#,
    ),
    pattern("OpenSSL's pass phrases", &["pass:"], r"(?-u:\b)pass:(?<secret>[^\s]{2,200})"),
    pattern(
        "piped passwords",
        &["echo", "printf"],
        r#"(?-u:\b)(?:echo|printf)\s(?:-n\s)?\\{0,3}["']?(?<secret>[^\s"'|]{3,200})(?:\\n)?\\{0,3}["']?\s?\|\s?(?:[^\s|]{1,60}\s){0,8}?(?:sudo\s-S|[^\n|]{0,100}--(?:password-stdin|stdin|passphrase-fd))"#,
    ),
    pattern(
        "htpasswd's third word",
        &["htpasswd"],
        r#"htpasswd\s-[A-Za-z]{0,6}b[A-Za-z]{0,6}\s[^\s]{1,200}(?:\s[^\s]{1,60})?\s\\{0,3}["']?(?<secret>[^\s"']{2,200})\\{0,3}["']?(?:$|[\n;|])"#,
    ),
    pattern(
        "vault login",
        &["vault login", "vault unseal", "operator unseal"],
        r"vault\s(?:login|operator\sunseal|unseal)\s(?<secret>[A-Za-z0-9+/=.]{16,200})",
    ),
    pattern("net use", &["net use"], r"(?i)net\suse\s[^\n]{0,200}?\s/user:[^\s]{1,100}\s(?<secret>[^\s/]{2,200})"),
    // SQL.
    pattern(
        "IDENTIFIED BY",
        &["identified"],
        r#"(?i)identified\s(?:with\s[\w']{1,40}\s)?(?:by|as)\s(?:password\s)?\\{0,3}["']?(?<secret>[^\s"';]{2,200})"#,
    ),
    pattern(
        "PASSWORD in SQL",
        &["password"],
        r#"(?i)password\s?\(?\s?(?:=\s?)?["'](?<secret>[^"'\n]{2,200})["']\s?\)?\s?(?:;|$|valid|login|createdb|superuser|\)|where|for)"#,
    ),
];
