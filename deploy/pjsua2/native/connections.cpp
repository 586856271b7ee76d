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
/* Answers that wait because nobody reads them: ten kilobytes each. A recorder that is slow leaves a few. */
const unsigned UNREAD_ANSWERS = 256;
/* Whatever else a connection may have under way: transactions of half a minute, of many calls a second. */
const pj_atomic_value_t UNDER_WAY = 4096;

/* The library ends a connection only when nothing waits to be sent on it: on its socket, nothing can any more. */
void end(pjsip_transport *transport)
{
    pj_sock_t socket = transport->flag & PJSIP_TRANSPORT_SECURE ? pjsip_tls_transport_get_socket(transport)
                                                                : pjsip_tcp_transport_get_socket(transport);
    pjsip_transport_shutdown2(transport, PJ_TRUE);
    if (pj_atomic_get(transport->ref_cnt) > 0 && socket != PJ_INVALID_SOCKET)
        pj_sock_shutdown(socket, PJ_SD_BOTH);
}

} // namespace

bool Connections::accepts(const PeerAddress &peer, double now)
{
    while (!accepted_.empty() && now - accepted_.front().second > MESSAGE_SECONDS)
        accepted_.pop_front();
    size_t own = 0, unproven = accepted_.size();
    for (const auto &each : accepted_)
        own += each.first == peer;
    size_t of_peer = own, all = unproven + open_.size();
    for (const auto &each : open_) {
        bool same = each.second.peer == peer;
        of_peer += same;
        if (each.first->rx_messages)
            continue;
        ++unproven;
        own += same;
    }
    if (own >= UNPROVEN_OF_A_PEER || unproven >= UNPROVEN)
        return false;
    if (of_peer >= limit_ / 2 ? !displace(&peer) : all >= limit_ && !displace(nullptr))
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
        open_.emplace(transport, Connection{peer, now, now, 0, 0, false, false, false});
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

bool Connections::is_condemned(pjsip_transport *transport)
{
    auto found = open_.find(transport);
    if (found == open_.end())
        return false;
    Connection &connection = found->second;
    if (!connection.condemned &&
        (connection.waiting > UNREAD_ANSWERS || pj_atomic_get(transport->ref_cnt) > UNDER_WAY)) {
        connection.condemned = connection.unread = true;
    }
    return connection.condemned;
}

void Connections::serves(pjsip_transport *transport)
{
    auto connection = open_.find(transport);
    if (connection != open_.end())
        connection->second.serves = true;
}

void Connections::answering(pjsip_transport *transport)
{
    auto connection = open_.find(transport);
    if (connection != open_.end())
        ++connection->second.waiting;
}

void Connections::answered(pjsip_transport *transport)
{
    auto connection = open_.find(transport);
    if (connection != open_.end() && connection->second.waiting)
        --connection->second.waiting;
}

bool Connections::displace(const PeerAddress *peer)
{
    auto idlest = open_.end();
    for (auto each = open_.begin(); each != open_.end(); ++each) {
        const Connection &connection = each->second;
        if (!each->first->rx_messages || pj_atomic_get(each->first->ref_cnt) || (peer && !(connection.peer == *peer)))
            continue;
        if (idlest == open_.end() || std::make_pair(connection.serves, connection.used) <
                                         std::make_pair(idlest->second.serves, idlest->second.used))
            idlest = each;
    }
    if (idlest == open_.end())
        return false;
    pjsip_transport *transport = idlest->first;
    open_.erase(idlest);
    ++displaced_;
    end(transport);
    return true;
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
    unsigned slow = 0;
    for (pjsip_transport *transport : overdue) {
        auto found = open_.find(transport);
        latest = found->second.peer.text();
        if (found->second.unread)
            ++unread_;
        else
            ++slow;
        open_.erase(found);
        end(transport);
    }
    return slow;
}

} // namespace callvane
