#include "door.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <unordered_map>

#include <pj/activesock.h>
#include <pjsip.h>
#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include "peer_address.hpp"

namespace callvane {

namespace {

/* Connections of one peer, and of all, on which no message has come yet. */
const size_t UNPROVEN_OF_A_PEER = 64;
const size_t UNPROVEN = 512;
/* A connection says its first message, and ends one that it has begun, within: */
const double MESSAGE_SECONDS = 10;
/* One that nobody uses is closed. */
const double IDLE_SECONDS = 1800;
/* Of a message before its body. Recorders write thirty lines, of three kilobytes; all of it is parsed. */
const size_t HEAD_BYTES = 16384;
const size_t HEAD_LINES = 256;
/* Names of peers, and where their messages came from. */
const size_t NAMES_REMEMBERED = 4096;

const char *ALLOWED = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO";

double monotonic()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

std::string text(const pj_str_t &from) { return std::string(from.ptr, from.slen > 0 ? (size_t)from.slen : 0); }

bool is_one_of(const pj_str_t &method, std::initializer_list<const char *> names)
{
    return std::any_of(names.begin(), names.end(), [&](const char *name) { return !pj_strcmp2(&method, name); });
}

/* Whether the head of a message ends within the bounds. */
bool has_short_head(const char *message, size_t size)
{
    const char *end = message + std::min(size, HEAD_BYTES);
    for (size_t lines = 0; lines < HEAD_LINES; ++lines) {
        auto *next = static_cast<const char *>(std::memchr(message, '\n', (size_t)(end - message)));
        if (!next)
            return size < HEAD_BYTES; /* it has no body */
        if (next == message || (next == message + 1 && *message == '\r'))
            return true;
        message = next + 1;
    }
    return false;
}

bool begins_with(const pjsip_rx_data *rdata, const char *word)
{
    size_t size = std::strlen(word);
    return (size_t)rdata->msg_info.len >= size && !std::memcmp(rdata->msg_info.msg_buf, word, size);
}

struct Connection {
    PeerAddress peer;
    double since;   /* the connection, or the message that has begun and not ended */
    double used;    /* the latest message */
    unsigned messages;
    bool condemned; /* to be closed: what came on it was not wanted */
};

} // namespace

struct DoorState {
    explicit DoorState(Door &door)
        : door(door), anybody(false), certificates(false), begun(0), longest(0), before(nullptr)
    {
    }

    Door &door;
    std::vector<PeerNetwork> networks;
    bool anybody, certificates;
    double begun; /* when the message came that has the thread; 0 for none */
    double longest;
    DoorCounts counts = DoorCounts();
    std::map<pjsip_transport *, Connection> connections;
    std::deque<std::pair<PeerAddress, double>> accepted; /* and not yet heard of: TLS's handshakes */
    std::unordered_map<std::string, pj_sockaddr> names;
    std::deque<std::string> names_in_order;
    pjsip_tp_state_callback before;
    pjsip_module module;

    bool lets_in(const PeerAddress &peer) const
    {
        return anybody || std::any_of(networks.begin(), networks.end(),
                                      [&](const PeerNetwork &network) { return network.contains(peer); });
    }

    bool is_read(const pjsip_rx_data *rdata);
    void end_message(double now);
    pj_bool_t on_request(pjsip_rx_data *rdata);
    bool is_known(pjsip_rx_data *rdata) const;
    bool stands(pjsip_rx_data *rdata) const;
    pj_bool_t judge(pjsip_rx_data *rdata);
    pj_bool_t ignore(const pjsip_rx_data *rdata);
    pj_bool_t answer(pjsip_rx_data *rdata, int status, const std::string &reason, bool allow,
                     const DoorRequest *headers = nullptr);
    void note_names(pjsip_rx_data *rdata);
    void note_name(const pj_str_t &name, const pjsip_rx_data *rdata);
    bool accepts(const pj_sockaddr &source);
    void on_transport(pjsip_transport *transport, pjsip_transport_state state);
};

namespace {

DoorState *the_door;

pj_bool_t on_message(const pjsip_rx_data *rdata) { return !the_door || the_door->is_read(rdata); }

pj_bool_t on_rx_request(pjsip_rx_data *rdata) { return the_door ? the_door->on_request(rdata) : PJ_FALSE; }

void on_transport_state(pjsip_transport *transport, pjsip_transport_state state,
                        const pjsip_transport_state_info *info)
{
    if (!the_door)
        return;
    the_door->on_transport(transport, state);
    if (the_door->before)
        (*the_door->before)(transport, state, info);
}

pj_bool_t on_accept(const pj_sockaddr_t *source)
{
    return !the_door || the_door->accepts(*static_cast<const pj_sockaddr *>(source));
}

void on_description(pj_pool_t *pool, pj_str_t *description)
{
    if (!the_door)
        return;
    std::string read = the_door->door.onDescription(text(*description));
    if (read.empty())
        return;
    description->ptr = static_cast<char *>(pj_pool_alloc(pool, read.size() + 1));
    std::memcpy(description->ptr, read.c_str(), read.size() + 1);
    description->slen = (pj_ssize_t)read.size();
}

/* In place of the library's resolver, which waits for name servers: a peer is reached where its messages come from. */
void resolve(pjsip_resolver_t *, pj_pool_t *, const pjsip_host_info *target, void *token, pjsip_resolver_callback *cb)
{
    pjsip_server_addresses found;
    pj_bzero(&found, sizeof(found));
    pj_sockaddr &address = found.entry[0].addr;
    pjsip_transport_type_e type = target->type;
    if (type == PJSIP_TRANSPORT_UNSPECIFIED)
        type = target->flag & PJSIP_TRANSPORT_SECURE     ? PJSIP_TRANSPORT_TLS
               : target->flag & PJSIP_TRANSPORT_RELIABLE ? PJSIP_TRANSPORT_TCP
                                                         : PJSIP_TRANSPORT_UDP;
    pj_uint16_t port = (pj_uint16_t)(target->addr.port ? target->addr.port
                                                       : pjsip_transport_get_default_port_for_type(type));
    pj_str_t host = target->addr.host;
    bool is_address = pj_sockaddr_init(pj_AF_INET(), &address, &host, port) == PJ_SUCCESS ||
                      pj_sockaddr_init(pj_AF_INET6(), &address, &host, port) == PJ_SUCCESS;
    if (!is_address) {
        auto known = the_door ? the_door->names.find(text(host)) : std::unordered_map<std::string, pj_sockaddr>::iterator();
        if (!the_door || known == the_door->names.end()) {
            (*cb)(PJ_ERESOLVE, token, nullptr);
            return;
        }
        pj_sockaddr_cp(&address, &known->second);
    }
    bool is_v6 = address.addr.sa_family == pj_AF_INET6();
    found.count = 1;
    found.entry[0].type = (pjsip_transport_type_e)(is_v6 ? type | PJSIP_TRANSPORT_IPV6 : type & ~PJSIP_TRANSPORT_IPV6);
    found.entry[0].addr_len = (int)pj_sockaddr_get_len(&address);
    (*cb)(PJ_SUCCESS, token, &found);
}

pjsip_ext_resolver resolver = {&resolve};

} // namespace

/* Whether a message is parsed: a request of whoever is let in, whose head is no longer than the bounds. */
bool DoorState::is_read(const pjsip_rx_data *rdata)
{
    double now = monotonic();
    end_message(now);
    begun = now;
    auto connection = connections.find(rdata->tp_info.transport);
    if (connection != connections.end() && connection->second.condemned)
        return false;
    bool secure = rdata->tp_info.transport->flag & PJSIP_TRANSPORT_SECURE;
    bool foreign = !lets_in(PeerAddress(rdata->pkt_info.src_addr)) && !(secure && certificates);
    if (foreign && !begins_with(rdata, "SIP/"))
        ++(begins_with(rdata, "INVITE ") ? counts.foreignInvites : counts.foreignOthers);
    else if (!has_short_head(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len))
        ++counts.overlong;
    else
        return true;
    counts.latest = rdata->pkt_info.src_name;
    ignore(rdata);
    return false;
}

void DoorState::end_message(double now)
{
    if (begun > 0)
        longest = std::max(longest, now - begun);
    begun = 0;
}

pj_bool_t DoorState::on_request(pjsip_rx_data *rdata)
{
    const pjsip_method &method = rdata->msg_info.msg->line.req.method;
    const pj_str_t &name = method.name;
    note_names(rdata);
    bool within = rdata->msg_info.to && rdata->msg_info.to->tag.slen;
    if (method.id == PJSIP_ACK_METHOD || method.id == PJSIP_CANCEL_METHOD)
        return PJ_FALSE;
    if (within && is_one_of(name, {"INVITE", "BYE", "UPDATE", "PRACK"}))
        return PJ_FALSE;
    if (within && is_one_of(name, {"OPTIONS", "INFO"}))
        return stands(rdata) ? PJ_FALSE : answer(rdata, 481, "", false);
    if (!within && is_one_of(name, {"INVITE", "OPTIONS"}))
        return is_known(rdata) ? PJ_FALSE : judge(rdata);
    if (is_one_of(name, {"BYE", "UPDATE", "PRACK", "INFO"}))
        return answer(rdata, 481, "", false);
    ++counts.methods;
    counts.latest = rdata->pkt_info.src_name;
    return answer(rdata, 405, "", true);
}

/* Who is not let in gets no answer: nobody can find out what stands here, or have it send anything anywhere. */
pj_bool_t DoorState::ignore(const pjsip_rx_data *rdata)
{
    auto connection = connections.find(rdata->tp_info.transport);
    if (connection != connections.end())
        connection->second.condemned = true;
    return PJ_TRUE;
}

/* Whether the dialog that a request asks about has not ended. */
bool DoorState::stands(pjsip_rx_data *rdata) const
{
    pjsip_dialog *dialog = pjsip_ua_find_dialog(&rdata->msg_info.cid->id, &rdata->msg_info.to->tag,
                                                &rdata->msg_info.from->tag, PJ_FALSE);
    pjsip_inv_session *invite = dialog ? pjsip_dlg_get_inv_session(dialog) : nullptr;
    return invite && invite->state != PJSIP_INV_STATE_DISCONNECTED;
}

/* Whether it is sent again, by a transaction that is being answered. */
bool DoorState::is_known(pjsip_rx_data *rdata) const
{
    pj_str_t key;
    pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAS, &rdata->msg_info.msg->line.req.method, rdata);
    return pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE) != nullptr;
}

pj_bool_t DoorState::judge(pjsip_rx_data *rdata)
{
    DoorRequest request = DoorRequest();
    char source[PJ_INET6_ADDRSTRLEN + 10];
    pj_sockaddr_print(&rdata->pkt_info.src_addr, source, sizeof(source), 3);
    request.method = text(rdata->msg_info.msg->line.req.method.name);
    request.source = source;
    request.secure = rdata->tp_info.transport->flag & PJSIP_TRANSPORT_SECURE;
    request.message.assign(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len);
    door.onRequest(request);
    if (request.ignored)
        return ignore(rdata);
    return request.status ? answer(rdata, request.status, request.reason, false, &request) : PJ_FALSE;
}

pj_bool_t DoorState::answer(pjsip_rx_data *rdata, int status, const std::string &reason, bool allow,
                            const DoorRequest *headers)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pjsip_hdr list;
    pj_list_init(&list);
    auto add = [&](const std::string &name, const std::string &value) {
        pj_str_t name_text = {const_cast<char *>(name.data()), (pj_ssize_t)name.size()};
        pj_str_t value_text = {const_cast<char *>(value.data()), (pj_ssize_t)value.size()};
        pj_list_push_back(&list, pjsip_generic_string_hdr_create(pool, &name_text, &value_text));
    };
    if (allow)
        add("Allow", ALLOWED);
    for (size_t i = 0; headers && i < headers->names.size(); ++i)
        add(headers->names[i], headers->values[i]);
    pj_str_t phrase = {const_cast<char *>(reason.data()), (pj_ssize_t)reason.size()};
    pjsip_endpt_respond_stateless(pjsua_get_pjsip_endpt(), rdata, status, reason.empty() ? nullptr : &phrase, &list,
                                  nullptr);
    return PJ_TRUE;
}

/* What later requests of ours, such as a BYE, would have to be resolved for. */
void DoorState::note_names(pjsip_rx_data *rdata)
{
    auto *route = static_cast<pjsip_rr_hdr *>(pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_RECORD_ROUTE, nullptr));
    auto *contact = static_cast<pjsip_contact_hdr *>(pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_CONTACT, nullptr));
    for (pjsip_uri *uri : {route ? static_cast<pjsip_uri *>(route->name_addr.uri) : nullptr,
                           contact ? contact->uri : nullptr}) {
        if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)))
            continue;
        auto *sip = static_cast<pjsip_sip_uri *>(pjsip_uri_get_uri(uri));
        note_name(sip->host, rdata);
        note_name(sip->maddr_param, rdata);
    }
    if (rdata->msg_info.via) {
        note_name(rdata->msg_info.via->sent_by.host, rdata);
        note_name(rdata->msg_info.via->maddr_param, rdata);
    }
}

void DoorState::note_name(const pj_str_t &name, const pjsip_rx_data *rdata)
{
    pj_in6_addr address;
    if (name.slen <= 0 || name.slen >= PJ_MAX_HOSTNAME || pj_inet_pton(pj_AF_INET(), &name, &address) == PJ_SUCCESS ||
        pj_inet_pton(pj_AF_INET6(), &name, &address) == PJ_SUCCESS)
        return;
    auto known = names.emplace(text(name), rdata->pkt_info.src_addr);
    known.first->second = rdata->pkt_info.src_addr;
    if (!known.second)
        return;
    names_in_order.push_back(known.first->first);
    if (names_in_order.size() > NAMES_REMEMBERED) {
        names.erase(names_in_order.front());
        names_in_order.pop_front();
    }
}

bool DoorState::accepts(const pj_sockaddr &source)
{
    PeerAddress peer(source);
    double now = monotonic();
    if (!lets_in(peer) && !certificates) {
        ++counts.foreignConnections;
        counts.latest = peer.text();
        return false;
    }
    while (!accepted.empty() && now - accepted.front().second > MESSAGE_SECONDS)
        accepted.pop_front();
    size_t own = 0, all = accepted.size();
    for (const auto &each : accepted)
        own += each.first == peer;
    for (const auto &each : connections) {
        if (each.first->rx_messages)
            continue;
        ++all;
        own += each.second.peer == peer;
    }
    if (own >= UNPROVEN_OF_A_PEER || all >= UNPROVEN) {
        ++counts.crowded;
        counts.latest = peer.text();
        return false;
    }
    accepted.emplace_back(peer, now);
    return true;
}

void DoorState::on_transport(pjsip_transport *transport, pjsip_transport_state state)
{
    if (transport->flag & PJSIP_TRANSPORT_DATAGRAM)
        return;
    if (state == PJSIP_TP_STATE_CONNECTED && transport->dir == PJSIP_TP_DIR_INCOMING) {
        PeerAddress peer(transport->key.rem_addr);
        double now = monotonic();
        auto waiting = std::find_if(accepted.begin(), accepted.end(),
                                    [&](const std::pair<PeerAddress, double> &each) { return each.first == peer; });
        if (waiting != accepted.end())
            accepted.erase(waiting);
        connections.emplace(transport, Connection{peer, now, now, 0, false});
    } else if (state == PJSIP_TP_STATE_DISCONNECTED || state == PJSIP_TP_STATE_SHUTDOWN ||
               state == PJSIP_TP_STATE_DESTROY) {
        connections.erase(transport);
    }
}

Door::Door() : state_(new DoorState(*this)) {}

Door::~Door()
{
    if (the_door == state_.get())
        the_door = nullptr;
}

void Door::allow(const std::vector<std::string> &networks, bool anybody, bool certificates)
{
    state_->networks.clear();
    for (const auto &network : networks)
        state_->networks.emplace_back(network);
    state_->anybody = anybody;
    state_->certificates = certificates;
}

void Door::open()
{
    DoorState &state = *state_;
    pjsip_endpoint *endpoint = pjsua_get_pjsip_endpt();
    pj_bzero(&state.module, sizeof(state.module));
    state.module.name = pj_str(const_cast<char *>("mod-callvane-door"));
    state.module.id = -1;
    state.module.priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 4;
    state.module.on_rx_request = &on_rx_request;
    pjsip_endpt_register_module(endpoint, &state.module);
    pjsip_tpmgr *transports = pjsip_endpt_get_tpmgr(endpoint);
    state.before = pjsip_tpmgr_get_state_cb(transports);
    pjsip_tpmgr_set_state_cb(transports, &on_transport_state);
    pjsip_endpt_set_ext_resolver(endpoint, &resolver);
    pj_activesock_set_accept_filter(&on_accept);
    pjsip_set_sdp_reader(&on_description);
    pjsip_set_message_filter(&on_message);
    the_door = &state;
}

void Door::sweep(double now)
{
    std::vector<pjsip_transport *> overdue;
    for (auto &each : state_->connections) {
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
        ++state_->counts.overdue;
        auto found = state_->connections.find(transport);
        state_->counts.latest = found->second.peer.text();
        state_->connections.erase(found);
        pjsip_transport_shutdown2(transport, PJ_TRUE);
    }
}

double Door::held()
{
    state_->end_message(monotonic());
    double longest = state_->longest;
    state_->longest = 0;
    return longest;
}

DoorCounts Door::counts() const { return state_->counts; }

void Door::onRequest(DoorRequest &) {}

std::string Door::onDescription(const std::string &) { return std::string(); }

} // namespace callvane
