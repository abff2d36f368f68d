//! A packet around a message that has lost its own.

use std::net::IpAddr;

use etherparse::{IpHeaders, IpNumber, Ipv4Header, Ipv6Header, PacketBuilder};

use crate::net::{Endpoint, LinkType, Transport};

/// Who sends a message to whom, and how.
#[derive(Clone, Copy, Debug)]
pub struct Carriage {
    /// Who sends it.
    pub source: Endpoint,
    /// Whom it is sent to.
    pub destination: Endpoint,
    /// What carries it.
    pub transport: Transport,
    /// The IPv4 identification, 0 if there is none.
    pub identification: u16,
}

/// A hop limit like any other.
const HOP_LIMIT: u8 = 64;

impl Carriage {
    /// The packet: IP and UDP with right lengths and checksums, or what Wireshark exports where a stream carried the message.
    pub fn packet(&self, message: &[u8]) -> (LinkType, Vec<u8>) {
        let datagram = if self.transport == Transport::Udp { self.datagram(message) } else { None };
        datagram.map_or_else(|| (LinkType::UPPER_PDU, self.exported(message)), |packet| (LinkType::RAW, packet))
    }

    /// Nothing if it does not fit into one.
    fn datagram(&self, message: &[u8]) -> Option<Vec<u8>> {
        let ip = match (self.source.address, self.destination.address) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header = Ipv4Header {
                    identification: self.identification,
                    time_to_live: HOP_LIMIT,
                    protocol: IpNumber::UDP,
                    source: source.octets(),
                    destination: destination.octets(),
                    ..Ipv4Header::default()
                };
                IpHeaders::Ipv4(header, Default::default())
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let header = Ipv6Header {
                    hop_limit: HOP_LIMIT,
                    next_header: IpNumber::UDP,
                    source: source.octets(),
                    destination: destination.octets(),
                    ..Ipv6Header::default()
                };
                IpHeaders::Ipv6(header, Default::default())
            }
            _ => return None,
        };
        let builder = PacketBuilder::ip(ip).udp(self.source.port, self.destination.port);
        let mut packet = Vec::with_capacity(builder.size(message.len()));
        builder.write(&mut packet, message).ok()?;
        Some(packet)
    }

    /// Tags of the addresses and of the dissector, then the message.
    fn exported(&self, message: &[u8]) -> Vec<u8> {
        let address = |address: IpAddr, four: u16, six: u16| match address {
            IpAddr::V4(address) => tag(four, &address.octets()),
            IpAddr::V6(address) => tag(six, &address.octets()),
        };
        let port_type: u32 = match self.transport {
            Transport::Sctp => 1,
            Transport::Udp => 3,
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => 2,
        };
        [
            tag(12, b"sip\0"),
            address(self.source.address, 20, 22),
            address(self.destination.address, 21, 23),
            tag(24, &port_type.to_be_bytes()),
            tag(25, &u32::from(self.source.port).to_be_bytes()),
            tag(26, &u32::from(self.destination.port).to_be_bytes()),
            tag(0, &[]),
            message.to_vec(),
        ]
        .concat()
    }
}

/// A tag of exported PDUs; values are multiples of four octets.
fn tag(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoded, decode};

    #[test]
    fn packets_are_decoded_as_what_they_were_made_of() {
        let message = b"OPTIONS sip:a SIP/2.0\r\n\r\n";
        let endpoints = [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")];
        for (source, destination) in endpoints {
            for transport in [Transport::Udp, Transport::Tcp, Transport::Sctp] {
                let carriage = Carriage {
                    source: Endpoint::new(source.parse().unwrap(), 5060),
                    destination: Endpoint::new(destination.parse().unwrap(), 5070),
                    transport,
                    identification: 77,
                };
                let (link, packet) = carriage.packet(message);
                let length = u32::try_from(packet.len()).unwrap();
                let Decoded::Datagram(datagram) = decode(link, &packet, length) else { panic!("{packet:?}") };
                assert_eq!((datagram.source, datagram.destination), (carriage.source, carriage.destination));
                assert_eq!((datagram.transport, datagram.payload), (transport, &message[..]));
            }
        }
    }
}
