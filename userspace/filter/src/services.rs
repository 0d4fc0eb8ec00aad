//! Names of well-known services, for ports written as words.
//!
//! A table of our own, not the host's: a rule must mean the same on every host and in every replay.

/// The port of a service, if it is one of the known names.
#[must_use]
pub fn port_of(name: &str) -> Option<u16> {
    SERVICES.binary_search_by_key(&name, |(known, _)| known).ok().and_then(|at| SERVICES.get(at)).map(|(_, port)| *port)
}

/// The first name of a port in the table, if it has one.
#[must_use]
pub fn service_of(port: u16) -> Option<&'static str> {
    SERVICES.iter().find(|(_, known)| *known == port).map(|(name, _)| *name)
}

/// Sorted by name.
const SERVICES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("bgp", 179),
    ("bootpc", 68),
    ("bootps", 67),
    ("chargen", 19),
    ("cups", 631),
    ("daytime", 13),
    ("dhcpv6-client", 546),
    ("dhcpv6-server", 547),
    ("discard", 9),
    ("domain", 53),
    ("domain-s", 853),
    ("echo", 7),
    ("epmap", 135),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("ftps-data", 989),
    ("git", 9418),
    ("gopher", 70),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("ident", 113),
    ("imap2", 143),
    ("imaps", 993),
    ("ipp", 631),
    ("irc", 6667),
    ("ircs-u", 6697),
    ("isakmp", 500),
    ("kerberos", 88),
    ("kpasswd", 464),
    ("ldap", 389),
    ("ldaps", 636),
    ("mdns", 5353),
    ("microsoft-ds", 445),
    ("mongodb", 27017),
    ("mqtt", 1883),
    ("ms-sql-m", 1434),
    ("ms-sql-s", 1433),
    ("ms-wbt-server", 3389),
    ("mysql", 3306),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("nfs", 2049),
    ("nntp", 119),
    ("nntps", 563),
    ("ntp", 123),
    ("openvpn", 1194),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("printer", 515),
    ("radius", 1812),
    ("redis", 6379),
    ("rsync", 873),
    ("rtsp", 554),
    ("sieve", 4190),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("smtp", 25),
    ("smux", 199),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("socks", 1080),
    ("ssh", 22),
    ("submission", 587),
    ("submissions", 465),
    ("sunrpc", 111),
    ("svn", 3690),
    ("syslog", 514),
    ("tacacs", 49),
    ("telnet", 23),
    ("telnets", 992),
    ("tftp", 69),
    ("time", 37),
    ("whois", 43),
    ("x11", 6000),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("zabbix-agent", 10050),
    ("zabbix-trapper", 10051),
    ("zookeeper", 2181),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found() {
        assert!(SERVICES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(SERVICES.iter().all(|(name, port)| port_of(name) == Some(*port)));
        assert_eq!((port_of("https"), port_of("ssh"), port_of("nope")), (Some(443), Some(22), None));
        assert!(SERVICES.iter().all(|(_, port)| service_of(*port).and_then(port_of) == Some(*port)));
        assert_eq!(service_of(1), None);
    }
}
