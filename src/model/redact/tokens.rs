//! Tokens that say by their first letters what they are. Their makers give them these so that they
//! can be found.

use std::ops::Range;

use super::named::run_of;

/// The shape of a maker's tokens.
#[cfg_attr(not(test), expect(dead_code, reason = "the name is for readers and for tests that fail"))]
pub(super) struct Token {
    /// Whose it is, or what it opens.
    pub name: &'static str,
    /// The letters that it begins with, in this case, at the beginning of a word.
    pub begins: &'static str,
    /// What it is made of from there on.
    pub letters: Letters,
    /// How many of those it has at least.
    pub least: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    /// Hexadecimal digits.
    Hex,
    /// Capital letters and digits.
    Capital,
    /// Letters and digits.
    Alphanumeric,
    /// Letters, digits, `-` and `_`: base64 as in URLs.
    Word,
    /// As `Word`, and dots, `+`, `/`, `=` and `~`.
    Dotted,
}

impl Letters {
    fn has(self, letter: char) -> bool {
        match self {
            Letters::Hex => letter.is_ascii_hexdigit(),
            Letters::Capital => letter.is_ascii_uppercase() || letter.is_ascii_digit(),
            Letters::Alphanumeric => letter.is_ascii_alphanumeric(),
            Letters::Word => letter.is_ascii_alphanumeric() || "-_".contains(letter),
            Letters::Dotted => letter.is_ascii_alphanumeric() || "-_.+/=~".contains(letter),
        }
    }
}

impl Token {
    /// The token that may begin there.
    pub fn at(&self, text: &str, start: usize) -> Option<Range<usize>> {
        let rest = text[start..].strip_prefix(self.begins)?;
        let before = text[..start].chars().next_back();
        if before.is_some_and(|letter| letter.is_ascii_alphanumeric()) {
            return None;
        }
        let length = run_of(rest, |letter| self.letters.has(letter)).trim_end_matches(['.', '=']).len();
        (length >= self.least).then(|| start..start + self.begins.len() + length)
    }
}

const fn token(name: &'static str, begins: &'static str, letters: Letters, least: usize) -> Token {
    Token { name, begins, letters, least }
}

use Letters::{Alphanumeric, Capital, Dotted, Hex, Word};

/// From the makers' own documentation.
#[rustfmt::skip]
pub(super) const TOKENS: &[Token] = &[
    token("AWS access key", "AKIA", Capital, 16),
    token("AWS temporary access key", "ASIA", Capital, 16),
    token("AWS bearer token", "ABSK", Dotted, 60),
    token("GitHub personal access token", "ghp_", Alphanumeric, 16),
    token("GitHub OAuth token", "gho_", Alphanumeric, 16),
    token("GitHub user token of an app", "ghu_", Alphanumeric, 16),
    token("GitHub server token of an app", "ghs_", Dotted, 16),
    token("GitHub refresh token", "ghr_", Alphanumeric, 16),
    token("GitHub fine-grained token", "github_pat_", Word, 16),
    token("GitLab personal access token", "glpat-", Dotted, 16),
    token("GitLab deploy token", "gldt-", Word, 16),
    token("GitLab runner token", "glrt-", Dotted, 16),
    token("GitLab runner registration", "GR1348941", Word, 16),
    token("GitLab CI job token", "glcbt-", Word, 16),
    token("GitLab trigger token", "glptt-", Word, 16),
    token("GitLab agent token", "glagent-", Word, 16),
    token("GitLab feed token", "glft-", Word, 16),
    token("GitLab OAuth secret", "gloas-", Word, 16),
    token("GitLab SCIM token", "glsoat-", Word, 16),
    token("GitLab incoming mail token", "glimt-", Word, 16),
    token("Slack bot token", "xoxb-", Word, 16),
    token("Slack user token", "xoxp-", Word, 16),
    token("Slack workspace token", "xoxa-", Word, 16),
    token("Slack refresh token", "xoxr-", Word, 16),
    token("Slack session token", "xoxs-", Word, 16),
    token("Slack client token", "xoxc-", Word, 16),
    token("Slack cookie", "xoxd-", Dotted, 16),
    token("Slack rotated token", "xoxe", Dotted, 20),
    token("Slack app token", "xapp-", Word, 16),
    token("Google API key", "AIza", Word, 30),
    token("Google access token", "ya29.", Dotted, 16),
    token("Google OAuth secret", "GOCSPX-", Word, 20),
    token("Google refresh token", "1//0", Word, 30),
    token("Stripe live key", "sk_live_", Alphanumeric, 16),
    token("Stripe test key", "sk_test_", Alphanumeric, 16),
    token("Stripe restricted live key", "rk_live_", Alphanumeric, 16),
    token("Stripe restricted test key", "rk_test_", Alphanumeric, 16),
    token("Webhook signing secret", "whsec_", Dotted, 16),
    token("npm", "npm_", Alphanumeric, 30),
    token("PyPI", "pypi-", Word, 50),
    token("RubyGems", "rubygems_", Hex, 40),
    token("Docker Hub personal", "dckr_pat_", Word, 20),
    token("Docker Hub organisation", "dckr_oat_", Word, 20),
    token("Vault service token", "hvs.", Word, 16),
    token("Vault batch token", "hvb.", Word, 16),
    token("Vault recovery token", "hvr.", Word, 16),
    token("Grafana service account", "glsa_", Word, 32),
    token("Grafana Cloud", "glc_", Dotted, 32),
    token("Grafana API key of old", "eyJrIjoi", Dotted, 30),
    token("DigitalOcean personal", "dop_v1_", Hex, 40),
    token("DigitalOcean OAuth", "doo_v1_", Hex, 40),
    token("DigitalOcean refresh", "dor_v1_", Hex, 40),
    token("Hugging Face", "hf_", Alphanumeric, 30),
    token("Hugging Face organisation", "api_org_", Alphanumeric, 30),
    token("OpenAI and others", "sk-", Word, 32),
    token("Groq", "gsk_", Alphanumeric, 40),
    token("xAI", "xai-", Alphanumeric, 40),
    token("Perplexity", "pplx-", Alphanumeric, 40),
    token("Replicate", "r8_", Alphanumeric, 30),
    token("age identity", "AGE-SECRET-KEY-1", Capital, 16),
    token("age plugin identity", "AGE-PLUGIN-", Dotted, 30),
    token("Private key in base64", "LS0tLS1CRUdJTi", Dotted, 16),
    token("Mailgun", "key-", Hex, 32),
    token("Brevo", "xkeysib-", Word, 60),
    token("Twilio API key", "SK", Hex, 32),
    token("New Relic user key", "NRAK-", Capital, 20),
    token("New Relic insights key", "NRII-", Word, 20),
    token("Databricks", "dapi", Hex, 32),
    token("PlanetScale token", "pscale_tkn_", Dotted, 30),
    token("PlanetScale password", "pscale_pw_", Dotted, 30),
    token("Supabase", "sbp_", Hex, 40),
    token("Shopify access", "shpat_", Hex, 32),
    token("Shopify custom app", "shpca_", Hex, 32),
    token("Shopify private app", "shppa_", Hex, 32),
    token("Shopify shared secret", "shpss_", Hex, 32),
    token("Square access", "sq0atp-", Word, 20),
    token("Square secret", "sq0csp-", Word, 40),
    token("Linear", "lin_api_", Alphanumeric, 30),
    token("Notion", "ntn_", Alphanumeric, 40),
    token("Figma", "figd_", Word, 30),
    token("Atlassian", "ATATT3x", Dotted, 60),
    token("Bitbucket", "ATBB", Alphanumeric, 24),
    token("Doppler", "dp.pt.", Alphanumeric, 40),
    token("Doppler service", "dp.st.", Dotted, 40),
    token("Fly.io", "fo1_", Word, 40),
    token("Fly.io macaroon", "fm2_", Dotted, 60),
    token("Heroku", "HRKU-", Word, 30),
    token("Netlify", "nfp_", Alphanumeric, 30),
    token("CircleCI", "CCIPAT_", Word, 40),
    token("Buildkite", "bkua_", Hex, 40),
    token("Sentry organisation", "sntrys_", Dotted, 40),
    token("Sentry user", "sntryu_", Hex, 60),
    token("Honeycomb", "hcaik_", Alphanumeric, 40),
    token("Pulumi", "pul-", Hex, 40),
    token("Postman", "PMAK-", Word, 40),
    token("Tailscale", "tskey-", Word, 20),
    token("1Password service account", "ops_eyJ", Dotted, 60),
    token("SonarQube user", "squ_", Hex, 40),
    token("SonarQube project", "sqp_", Hex, 40),
    token("SonarQube analysis", "sqa_", Hex, 40),
    token("JFrog access", "AKCp", Alphanumeric, 60),
    token("NuGet", "oy2", Alphanumeric, 43),
    token("OpenShift", "sha256~", Word, 40),
    token("Dynatrace", "dt0c01.", Dotted, 60),
    token("Anthropic administration", "sk-ant-", Word, 20),
    token("Terraform Cloud agent", "atlasv1.", Dotted, 40),
    token("Sourcegraph", "sgp_", Word, 40),
    token("WorkOS and Clerk", "sk_", Alphanumeric, 40),
    token("Airtable", "patA", Dotted, 60),
    token("Alibaba Cloud access key", "LTAI", Alphanumeric, 16),
    token("Tencent Cloud", "AKID", Alphanumeric, 32),
    token("Yandex Cloud key", "AQVN", Word, 30),
    token("MD5 verifier of PostgreSQL", "md5", Hex, 32),
];
