/* A call's streams, as the library has them: what they have received, and from where. AudioRing listens to one. */
#pragma once

#include <string>

namespace callvane {

/* What a stream has received, by its RTCP statistics, and from where at last: address and port, empty for nobody. */
struct StreamCounts {
    /* Whether there is such a stream. */
    bool there;
    unsigned long long packets;
    /* Packets that never came; falls when one comes after all. */
    unsigned long long missed;
    double jitterSeconds;
    /* RTCP packets. */
    unsigned long long reports;
    std::string source;
};
StreamCounts streamCounts(int call, unsigned stream);

/* The descriptor of the socket that a call's stream receives RTP on; -1 where there is none. */
int rtpDescriptor(int call, unsigned stream);

} // namespace callvane
