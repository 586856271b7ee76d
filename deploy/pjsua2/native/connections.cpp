#include "connections.hpp"

#include <algorithm>
#include <vector>

namespace callvane {

namespace {

/* Connections of one peer, and of all, on which no message has come yet. */
const size_t UNPROVEN_OF_A_PEER = 64;
const size_t UNPROVEN = 512;
/* A connection says its first message, and ends one that it has begun, within: */
const double MESSAGE_SECONDS = 10;
/* One that nobody uses is closed. */
const double IDLE_SECONDS = 1800;

} // namespace

bool Connections::accepts(const PeerAddress &peer, double now)
{
    while (!accepted_.empty() && now - accepted_.front().second > MESSAGE_SECONDS)
        accepted_.pop_front();
    size_t own = 0, all = accepted_.size();
    for (const auto &each : accepted_)
        own += each.first == peer;
    for (const auto &each : open_) {
        if (each.first->rx_messages)
            continue;
        ++all;
        own += each.second.peer == peer;
    }
    if (own >= UNPROVEN_OF_A_PEER || all >= UNPROVEN)
        return false;
    accepted_.emplace_back(peer, now);
    return true;
}

void Connections::changed(pjsip_transport *transport, pjsip_transport_state state, double now)
{
    if (transport->flag & PJSIP_TRANSPORT_DATAGRAM)
        return;
    if (state == PJSIP_TP_STATE_CONNECTED && transport->dir == PJSIP_TP_DIR_INCOMING) {
        PeerAddress peer(transport->key.rem_addr);
        auto waiting = std::find_if(accepted_.begin(), accepted_.end(),
                                    [&](const std::pair<PeerAddress, double> &each) { return each.first == peer; });
        if (waiting != accepted_.end())
            accepted_.erase(waiting);
        open_.emplace(transport, Connection{peer, now, now, 0, false});
    } else if (state == PJSIP_TP_STATE_DISCONNECTED || state == PJSIP_TP_STATE_SHUTDOWN ||
               state == PJSIP_TP_STATE_DESTROY) {
        open_.erase(transport);
    }
}

void Connections::condemn(pjsip_transport *transport)
{
    auto connection = open_.find(transport);
    if (connection != open_.end())
        connection->second.condemned = true;
}

bool Connections::is_condemned(pjsip_transport *transport) const
{
    auto connection = open_.find(transport);
    return connection != open_.end() && connection->second.condemned;
}

unsigned Connections::sweep(double now, std::string &latest)
{
    std::vector<pjsip_transport *> overdue;
    for (auto &each : open_) {
        pjsip_transport *transport = each.first;
        Connection &connection = each.second;
        if (transport->rx_messages != connection.messages) {
            connection.messages = transport->rx_messages;
            connection.since = connection.used = now;
        }
        if (!transport->rx_partial && connection.messages)
            connection.since = now;
        bool idle = now - connection.used > IDLE_SECONDS && pj_atomic_get(transport->ref_cnt) == 0;
        if (connection.condemned || now - connection.since > MESSAGE_SECONDS || idle)
            overdue.push_back(transport);
    }
    for (pjsip_transport *transport : overdue) {
        auto found = open_.find(transport);
        latest = found->second.peer.text();
        open_.erase(found);
        pjsip_transport_shutdown2(transport, PJ_TRUE);
    }
    return (unsigned)overdue.size();
}

} // namespace callvane
