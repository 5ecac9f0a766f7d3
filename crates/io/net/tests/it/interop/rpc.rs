//! RPCs of gossipsub written by hand: what no library would send.

/// A field of bytes of a protobuf message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// An RPC with one message made of these fields: 1 author, 2 data, 3 number, 4 topic, 5 signature, 6 key.
pub(crate) fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let message: Vec<u8> = fields
        .iter()
        .flat_map(|(number, bytes)| field(*number, bytes))
        .collect();
    field(2, &message)
}

/// "I have messages of these ids."
pub(crate) fn ihave(topic: &str, ids: &[&str]) -> Vec<u8> {
    let mut announcement = field(1, topic.as_bytes());
    announcement.extend(ids.iter().flat_map(|id| field(2, id.as_bytes())));
    field(3, &field(1, &announcement))
}

/// "Send me the messages of these ids."
pub(crate) fn iwant(ids: &[&str]) -> Vec<u8> {
    let request: Vec<u8> = ids.iter().flat_map(|id| field(1, id.as_bytes())).collect();
    field(3, &field(2, &request))
}
