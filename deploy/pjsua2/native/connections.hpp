/* TCP and TLS connections to the bridge: how many one peer may hold, and how long they may take to say something. */
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include <pjsip.h>

#include "peer_address.hpp"

namespace callvane {

class Connections {
public:
    /* Whether a peer may have one more; it counts if so. */
    bool accepts(const PeerAddress &peer, double now);

    /* A transport has come up or gone. */
    void changed(pjsip_transport *transport, pjsip_transport_state state, double now);

    /* What came on it was not wanted: it is to be closed. */
    void condemn(pjsip_transport *transport);
    bool is_condemned(pjsip_transport *transport) const;

    /* Closes those that are overdue; how many. `latest` is left as it is where there are none. */
    unsigned sweep(double now, std::string &latest);

private:
    struct Connection {
        PeerAddress peer;
        double since; /* the connection, or the message that has begun and not ended */
        double used;  /* the latest message */
        unsigned messages;
        bool condemned;
    };

    std::map<pjsip_transport *, Connection> open_;
    std::deque<std::pair<PeerAddress, double>> accepted_; /* and not yet heard of: TLS's handshakes */
};

} // namespace callvane
