//! x
ipv6_testnet::tests! {}
