/* A call's streams, as the library has them: what they have received, and from where. AudioRing listens to one. */
#pragma once

#include <string>

namespace callvane {

/* What a stream has received since it was made, and what has become of it. Python sees a tuple in this order, without
 * `there`; None where there is no such stream. It is read once a second for each stream: one crossing tells all. */
struct StreamCounts {
    bool there;
    unsigned long long packets;
    /* Packets that never came, by the gaps in their numbers; falls when one comes after all. */
    unsigned long long missed;
    double jitter_seconds;
    /* RTCP packets. */
    unsigned long long reports;
    /* Where the latest packet came from, address and port; empty for nowhere. */
    std::string source;
    /* Packets that its socket dropped. */
    unsigned long long dropped;
    /* The number of the ring that listens to it, -1 for none, and what that counts. */
    long ring;
    unsigned long long late, undecodable;
    unsigned undecodable_type;
};
StreamCounts streamCounts(int call, unsigned stream);

/* The descriptor of the socket that a call's stream receives RTP on; -1 where there is none. */
int rtpDescriptor(int call, unsigned stream);

} // namespace callvane
