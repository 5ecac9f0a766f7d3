//! Reading messages.

use alephd_cid::{AnyCid, Multicodec, Version as CidVersion, varint};
use bytes::Bytes;

use super::{
    BitswapError, Block, MAX_ENTRIES, MAX_MESSAGE_SIZE, Message, Prefix, Presence, Want, WantType,
    fields::{Fields, Value},
};

const WRONG_TYPE: BitswapError = BitswapError::Malformed("field has a wrong type");

impl Message {
    /// Reads a message of any version. Fields that nobody knows are skipped.
    pub fn decode(bytes: Bytes) -> Result<Self, BitswapError> {
        if bytes.len() > MAX_MESSAGE_SIZE {
            return Err(BitswapError::Size(bytes.len()));
        }
        let mut message = Self::default();
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(wantlist)) => message.read_wantlist(wantlist)?,
                (2, Value::Bytes(data)) => message.push_block(Block {
                    prefix: Prefix::V0,
                    data,
                }),
                (3, Value::Bytes(block)) => message.push_block(Block::decode(block)?),
                (4, Value::Bytes(presence)) => {
                    let presence = Presence::decode(presence)?;
                    push(&mut message.presences, presence, &mut message.left_out);
                }
                (5, Value::Number(bytes)) => message.pending_bytes = bytes as i32,
                (1..=5, _) => return Err(WRONG_TYPE),
                _ => {}
            }
        }
        Ok(message)
    }

    fn push_block(&mut self, block: Block) {
        push(&mut self.blocks, block, &mut self.left_out);
    }

    fn read_wantlist(&mut self, bytes: Bytes) -> Result<(), BitswapError> {
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(_)) if self.wants.len() == MAX_ENTRIES => self.left_out += 1,
                (1, Value::Bytes(entry)) => self.wants.push(Want::decode(entry)?),
                (2, Value::Number(full)) => self.full = full != 0,
                (1 | 2, _) => return Err(WRONG_TYPE),
                _ => {}
            }
        }
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, item: T, left_out: &mut usize) {
    if list.len() == MAX_ENTRIES {
        *left_out += 1;
    } else {
        list.push(item);
    }
}

impl Want {
    fn decode(bytes: Bytes) -> Result<Self, BitswapError> {
        let mut cid = None;
        let mut priority = 0;
        let (mut cancel, mut send_dont_have) = (false, false);
        let mut want_type = WantType::Block;
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(bytes)) => cid = Some(read_cid(&bytes)?),
                // A signed number of 32 bits, which negative ones fill up to 64.
                (2, Value::Number(number)) => priority = number as i32,
                (3, Value::Number(flag)) => cancel = flag != 0,
                (4, Value::Number(0)) => want_type = WantType::Block,
                (4, Value::Number(1)) => want_type = WantType::Have,
                (4, Value::Number(_)) => return Err(BitswapError::Malformed("unknown kind of want")),
                (5, Value::Number(flag)) => send_dont_have = flag != 0,
                (1..=5, _) => return Err(WRONG_TYPE),
                _ => {}
            }
        }
        Ok(Self {
            cid: cid.ok_or(BitswapError::Malformed("want without a CID"))?,
            priority,
            cancel,
            want_type,
            send_dont_have,
        })
    }
}

impl Presence {
    fn decode(bytes: Bytes) -> Result<Self, BitswapError> {
        let (mut cid, mut have) = (None, true);
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(bytes)) => cid = Some(read_cid(&bytes)?),
                (2, Value::Number(0)) => have = true,
                (2, Value::Number(1)) => have = false,
                (1 | 2, _) => return Err(WRONG_TYPE),
                _ => {}
            }
        }
        let cid = cid.ok_or(BitswapError::Malformed("presence without a CID"))?;
        Ok(Self { cid, have })
    }
}

impl Block {
    fn decode(bytes: Bytes) -> Result<Self, BitswapError> {
        let (mut prefix, mut data) = (None, Bytes::new());
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(bytes)) => prefix = Some(Prefix::decode(&bytes)?),
                (2, Value::Bytes(bytes)) => data = bytes,
                (1 | 2, _) => return Err(WRONG_TYPE),
                _ => {}
            }
        }
        let prefix = prefix.ok_or(BitswapError::Malformed("block without a prefix"))?;
        Ok(Self { prefix, data })
    }
}

impl Prefix {
    fn decode(bytes: &[u8]) -> Result<Self, BitswapError> {
        let malformed = BitswapError::Malformed("malformed prefix of a CID");
        let mut rest = bytes;
        let mut numbers = [0; 4];
        for number in &mut numbers {
            let (value, taken) = varint::read(rest).ok_or(malformed)?;
            *number = value;
            rest = &rest[taken..];
        }
        let [version, codec, function, digest_size] = numbers;
        let version = match version {
            0 => CidVersion::V0,
            1 => CidVersion::V1,
            _ => return Err(malformed),
        };
        if !rest.is_empty() {
            return Err(malformed);
        }
        Ok(Self {
            version,
            codec: Multicodec(codec),
            function: Multicodec(function),
            digest_size,
        })
    }
}

fn read_cid(bytes: &[u8]) -> Result<AnyCid, BitswapError> {
    AnyCid::from_bytes(bytes).map_err(BitswapError::Cid)
}
