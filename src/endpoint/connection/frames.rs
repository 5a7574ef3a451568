//! The frames that a client sends over HTTP/2 (RFC 9113 section 4.1), as far as they tell whether the head of a
//! request is unfinished. What is in them hyper reads.

/// What a client that speaks HTTP/2 says first (section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The length of a frame's own head: three bytes of length, type, flags, four bytes of stream.
const FRAME_HEAD: usize = 9;
/// The types of frames that carry the head of a request.
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
/// The flag of the last of them.
const END_HEADERS: u8 = 4;
/// The type of a frame by which a client that has read lets as much follow.
const WINDOW_UPDATE: u8 = 8;

/// Where a connection stands in its frames.
#[derive(Debug)]
pub(super) struct Frames {
    at: At,
    length: usize,
    kind: u8,
    /// Between the first frame of a head and its last, when no other frame may come.
    in_head: bool,
    /// How many frames that do not continue a head have begun.
    begun: usize,
    /// How often the client has let more follow.
    windows: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// So much of the preface has come, and nothing else.
    Preface(usize),
    /// So much of a frame's own head has come.
    FrameHead(usize),
    /// So much of a frame is still to come.
    Payload(usize),
    /// This is HTTP/1.
    Http1,
}

impl Default for Frames {
    fn default() -> Self {
        Self { at: At::Preface(0), length: 0, kind: 0, in_head: false, begun: 0, windows: 0 }
    }
}

impl Frames {
    /// Follows what has come.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            bytes = match self.at {
                At::Http1 => return,
                At::Payload(left) => {
                    let left_after = left.saturating_sub(bytes.len());
                    self.enter(if left_after == 0 { At::FrameHead(0) } else { At::Payload(left_after) });
                    bytes.get(left..).unwrap_or_default()
                }
                At::Preface(place) => {
                    let is_preface = PREFACE.get(place) == Some(byte);
                    self.enter(match place + 1 {
                        _ if !is_preface => At::Http1,
                        end if end == PREFACE.len() => At::FrameHead(0),
                        next => At::Preface(next),
                    });
                    rest
                }
                At::FrameHead(place) => {
                    self.frame_head(place, *byte);
                    rest
                }
            };
        }
    }

    /// Whether it is HTTP/2, which the preface tells.
    pub(super) fn are_spoken(&self) -> bool {
        !matches!(self.at, At::Preface(_) | At::Http1)
    }

    /// Which head has come in part, by its number: that of a request, or of a frame.
    pub(super) fn unfinished(&self) -> Option<usize> {
        let is_unfinished = match self.at {
            At::Preface(_) | At::Http1 => false,
            At::FrameHead(place) => place > 0 || self.in_head,
            At::Payload(_) => self.in_head || self.kind == HEADERS || self.kind == CONTINUATION,
        };
        is_unfinished.then_some(self.begun)
    }

    /// How often the client has said that it read something.
    pub(super) fn windows(&self) -> usize {
        self.windows
    }

    fn frame_head(&mut self, place: usize, byte: u8) {
        match place {
            0..=2 => self.length = (self.length << 8) | usize::from(byte),
            3 => {
                self.kind = byte;
                self.windows += usize::from(byte == WINDOW_UPDATE);
            }
            4 if self.kind == HEADERS || self.kind == CONTINUATION => self.in_head = byte & END_HEADERS == 0,
            _ => {}
        }
        self.enter(match (place + 1, self.length) {
            (FRAME_HEAD, 0) => At::FrameHead(0),
            (FRAME_HEAD, length) => At::Payload(length),
            (next, _) => At::FrameHead(next),
        });
    }

    fn enter(&mut self, at: At) {
        self.at = at;
        if at == At::FrameHead(0) {
            self.length = 0;
            if !self.in_head {
                self.begun += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATA: u8 = 0;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let [.., a, b, c] = payload.to_be_bytes();
        [vec![a, b, c, kind, flags, 0, 0, 0, 1], vec![0; payload]].concat()
    }

    /// Frames, and what they say.
    fn followed(parts: &[&[u8]]) -> Frames {
        let mut frames = Frames::default();
        parts.iter().for_each(|part| frames.read(part));
        frames
    }

    #[test]
    fn a_head_is_unfinished_until_its_last_frame_has_come() {
        let (first, last) = (frame(HEADERS, 0, 10), frame(CONTINUATION, END_HEADERS, 300));
        for (parts, is_unfinished) in [
            (&[PREFACE][..], false),
            (&[PREFACE, &first[..1]], true),
            (&[PREFACE, &first[..12]], true),
            (&[PREFACE, &first], true),
            (&[PREFACE, &first, &last[..9]], true),
            (&[PREFACE, &first, &last[..308]], true),
            (&[PREFACE, &first, &last], false),
            (&[PREFACE, &frame(HEADERS, END_HEADERS, 0)], false),
            (&[PREFACE, &frame(DATA, 0, 100)[..50]], false),
        ] {
            assert_eq!(followed(parts).unfinished().is_some(), is_unfinished, "{parts:?}");
        }
    }

    #[test]
    fn one_head_is_told_from_the_next() {
        let head = frame(HEADERS, END_HEADERS, 10);
        let one = followed(&[PREFACE, &head[..12]]);
        let next = followed(&[PREFACE, &head, &head[..12]]);
        assert_ne!(one.unfinished(), next.unfinished());
    }

    #[test]
    fn what_does_not_begin_with_the_preface_has_no_frames() {
        for text in ["GET / HTTP/1.1\r\n", "PRI * HTTP/1.1\r\n", "POST", "PROPFIND"] {
            let frames = followed(&[text.as_bytes()]);
            assert!(!frames.are_spoken() && frames.unfinished().is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_says_nothing_in_which_pieces_they_come(
            kinds in prop::collection::vec((0_u8..11, any::<u8>(), 0_usize..40), 0..8),
            mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let frames = kinds.iter().map(|(kind, flags, payload)| frame(*kind, *flags, *payload));
            let all = std::iter::once(PREFACE.to_vec()).chain(frames).collect::<Vec<_>>().concat();
            cuts.sort_by_key(|cut| cut.index(all.len()));
            let mut pieces = Frames::default();
            let mut from = 0;
            for to in cuts.iter().map(|cut| cut.index(all.len())).chain([all.len()]) {
                pieces.read(&all[from..to]);
                from = to;
            }
            let whole = followed(&[&all]);
            prop_assert_eq!(pieces.unfinished(), whole.unfinished());
            prop_assert_eq!(pieces.are_spoken(), whole.are_spoken());
        }
    }
}
