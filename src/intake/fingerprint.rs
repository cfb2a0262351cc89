//! The identity of an alert, made of its labels.

/// As Alertmanager computes it (prometheus/common, `model.LabelSet.Fingerprint`): FNV-1a over the
/// names and values in the order of the names, each closed by a byte that is no UTF-8.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub fn of(text: &str) -> u64 {
        let mut hash = Self::default();
        hash.text(text);
        hash.end()
    }

    pub fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.add(byte));
        self.add(0xff);
    }

    pub fn pair(&mut self, name: &str, value: &str) {
        self.text(name);
        self.text(value);
    }

    pub fn number(&mut self, number: u64) {
        number.to_be_bytes().into_iter().for_each(|byte| self.add(byte));
    }

    pub fn end(self) -> u64 {
        self.0
    }

    fn add(&mut self, byte: u8) {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
    }
}
