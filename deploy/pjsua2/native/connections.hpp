/* TCP and TLS connections to the bridge: how many one peer may hold, how long they may take to say something, and how
 * much they may leave unread. */
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
    /* How many there may be; half as many of one peer. */
    void limit(size_t connections) { limit_ = connections; }

    /* Whether a peer may have one more; it counts if so. Where there are as many as may be, the one that has been idle
     * for longest gives way. */
    bool accepts(const PeerAddress &peer, double now);

    /* A transport has come up or gone. */
    void changed(pjsip_transport *transport, pjsip_transport_state state, double now);

    /* What came on it was not wanted: it is to be closed. */
    void condemn(pjsip_transport *transport);

    /* Whether it is to be closed, and nothing more to be read of it; so too where it leaves too much unread. */
    bool is_condemned(pjsip_transport *transport);

    /* A call has begun on it: it is not idle for as long as there are others. */
    void serves(pjsip_transport *transport);

    /* An answer waits to be sent, or no longer does. */
    void answering(pjsip_transport *transport);
    void answered(pjsip_transport *transport);

    /* Closes those that are overdue; how many. `latest` is left as it is where there are none. */
    unsigned sweep(double now, std::string &latest);

    /* How many have given way to others, in all, and how many left too much unread. */
    unsigned long long displaced() const { return displaced_; }
    unsigned long long unread() const { return unread_; }

private:
    struct Connection {
        PeerAddress peer;
        double since; /* the connection, or the message that has begun and not ended */
        double used;  /* the latest message */
        unsigned messages;
        unsigned waiting; /* answers of the door */
        bool serves;
        bool condemned;
        bool unread; /* that is why */
    };

    /* Closes the proven one of a peer, or of all, that has been idle for longest; false where all are busy. */
    bool displace(const PeerAddress *peer);

    std::map<pjsip_transport *, Connection> open_;
    std::deque<std::pair<PeerAddress, double>> accepted_; /* and not yet heard of: TLS's handshakes */
    size_t limit_ = 1024;
    unsigned long long displaced_ = 0, unread_ = 0;
};

} // namespace callvane
