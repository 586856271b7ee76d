#include "door.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>

#include <pj/activesock.h>
#include <pjsip.h>
#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include "connections.hpp"
#include "peer_address.hpp"
#include "peer_names.hpp"

namespace callvane {

namespace {

/* Of a message before its body. Recorders write thirty lines, of three kilobytes; all of it is parsed. */
const size_t HEAD_BYTES = 16384;
const size_t HEAD_LINES = 256;

const char *RETRY_SECONDS = "10";

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

/* Whether one of the headers that say what a message belongs to could not be read. All others may be passed over. */
bool lacks_a_header(const pjsip_rx_data *rdata)
{
    static const char *const needed[] = {"Via", "v", "From", "f", "To", "t", "Call-ID", "i", "CSeq"};
    const pjsip_parser_err_report *errors = &rdata->msg_info.parse_err;
    for (const pjsip_parser_err_report *each = errors->next; each != errors; each = each->next)
        if (std::any_of(std::begin(needed), std::end(needed),
                        [&](const char *name) { return !pj_stricmp2(&each->hname, name); }))
            return true;
    return false;
}

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
    Connections connections;
    PeerNames names;
    pjsip_tp_state_callback before;

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
    bool accepts(const pj_sockaddr &source);
};

namespace {

DoorState *the_door;

/* The library holds it until its own end, which may be after the door's. */
pjsip_module module;

pj_bool_t on_message(const pjsip_rx_data *rdata) { return !the_door || the_door->is_read(rdata); }

pj_bool_t on_rx_request(pjsip_rx_data *rdata) { return the_door ? the_door->on_request(rdata) : PJ_FALSE; }

/* Whether a response of ours is within a dialog that stands. */
bool is_within(pjsip_msg *response)
{
    auto *id = static_cast<pjsip_cid_hdr *>(pjsip_msg_find_hdr(response, PJSIP_H_CALL_ID, nullptr));
    auto *to = static_cast<pjsip_to_hdr *>(pjsip_msg_find_hdr(response, PJSIP_H_TO, nullptr));
    auto *from = static_cast<pjsip_from_hdr *>(pjsip_msg_find_hdr(response, PJSIP_H_FROM, nullptr));
    pjsip_dialog *dialog = id && to && from ? pjsip_ua_find_dialog(&id->id, &to->tag, &from->tag, PJ_FALSE) : nullptr;
    pjsip_inv_session *invite = dialog ? pjsip_dlg_get_inv_session(dialog) : nullptr;
    return invite && invite->state >= PJSIP_INV_STATE_CONNECTING;
}

/* Where the library has no room, or no port, for an INVITE, balancers are to try the next bridge: on 486 they do not. */
pj_status_t on_tx_response(pjsip_tx_data *tdata)
{
    static const pj_str_t retry_after = {const_cast<char *>("Retry-After"), 11};
    pjsip_msg *message = tdata->msg;
    auto *cseq = static_cast<pjsip_cseq_hdr *>(pjsip_msg_find_hdr(message, PJSIP_H_CSEQ, nullptr));
    int &code = message->line.status.code;
    if (!cseq || cseq->method.id != PJSIP_INVITE_METHOD ||
        (code != PJSIP_SC_BUSY_HERE && code != PJSIP_SC_INTERNAL_SERVER_ERROR) || is_within(message))
        return PJ_SUCCESS;
    code = PJSIP_SC_SERVICE_UNAVAILABLE;
    message->line.status.reason = *pjsip_get_status_text(code);
    if (!pjsip_msg_find_hdr_by_name(message, &retry_after, nullptr)) {
        pj_str_t seconds = pj_str(const_cast<char *>(RETRY_SECONDS));
        pjsip_msg_add_hdr(message, reinterpret_cast<pjsip_hdr *>(
                                       pjsip_generic_string_hdr_create(tdata->pool, &retry_after, &seconds)));
    }
    pjsip_tx_data_invalidate_msg(tdata);
    return PJ_SUCCESS;
}

/* What the door has answered is on its way, or will never be. */
void on_sent(pjsip_send_state *state, pj_ssize_t, pj_bool_t *again)
{
    *again = PJ_FALSE;
    if (the_door)
        the_door->connections.answered(static_cast<pjsip_transport *>(state->token));
}

/* What the library has dropped, but for line ends that keep a connection open. */
void on_dropped(pjsip_tp_dropped_data *dropped)
{
    if (!the_door || dropped->status == PJ_EIGNORED)
        return;
    ++the_door->counts.unreadable;
    const pj_sockaddr &source = dropped->tp->key.rem_addr;
    if (!(dropped->tp->flag & PJSIP_TRANSPORT_DATAGRAM))
        the_door->counts.latest = PeerAddress(source).text();
}

void on_transport_state(pjsip_transport *transport, pjsip_transport_state state,
                        const pjsip_transport_state_info *info)
{
    if (!the_door)
        return;
    the_door->connections.changed(transport, state, monotonic());
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

void resolve(pjsip_resolver_t *, pj_pool_t *, const pjsip_host_info *target, void *token, pjsip_resolver_callback *cb)
{
    if (the_door)
        the_door->names.resolve(*target, token, cb);
    else
        (*cb)(PJ_ERESOLVE, token, nullptr);
}

pjsip_ext_resolver resolver = {&resolve};

} // namespace

/* Whether a message is parsed: a request of whoever is let in, whose head is no longer than the bounds. */
bool DoorState::is_read(const pjsip_rx_data *rdata)
{
    double now = monotonic();
    end_message(now);
    begun = now;
    if (connections.is_condemned(rdata->tp_info.transport))
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
    names.note(rdata);
    bool within = rdata->msg_info.to && rdata->msg_info.to->tag.slen;
    bool unreadable = lacks_a_header(rdata);
    if (unreadable) {
        ++counts.unreadable;
        counts.latest = rdata->pkt_info.src_name;
    }
    if (method.id == PJSIP_ACK_METHOD || method.id == PJSIP_CANCEL_METHOD)
        return PJ_FALSE;
    if (unreadable)
        return answer(rdata, 400, "Unreadable Header", false);
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
    connections.condemn(rdata->tp_info.transport);
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
    if (request.status)
        return answer(rdata, request.status, request.reason, false, &request);
    if (request.method == "INVITE")
        connections.serves(rdata->tp_info.transport);
    return PJ_FALSE;
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
    pjsip_endpoint *endpoint = pjsua_get_pjsip_endpt();
    pjsip_transport *transport = rdata->tp_info.transport;
    pjsip_tx_data *tdata;
    if (pjsip_endpt_create_response(endpoint, rdata, status, reason.empty() ? nullptr : &phrase, &tdata) != PJ_SUCCESS)
        return PJ_TRUE;
    for (pjsip_hdr *header = list.next; header != &list; header = header->next)
        pjsip_msg_add_hdr(tdata->msg, static_cast<pjsip_hdr *>(pjsip_hdr_clone(tdata->pool, header)));
    pjsip_response_addr target;
    connections.answering(transport);
    if (pjsip_get_response_addr(tdata->pool, rdata, &target) != PJ_SUCCESS ||
        pjsip_endpt_send_response(endpoint, &target, tdata, transport, &on_sent) != PJ_SUCCESS) {
        connections.answered(transport);
        pjsip_tx_data_dec_ref(tdata);
    }
    return PJ_TRUE;
}

bool DoorState::accepts(const pj_sockaddr &source)
{
    PeerAddress peer(source);
    if (!lets_in(peer) && !certificates)
        ++counts.foreignConnections;
    else if (connections.accepts(peer, monotonic()))
        return true;
    else
        ++counts.crowded;
    counts.latest = peer.text();
    return false;
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

void Door::limitConnections(unsigned connections) { state_->connections.limit(connections); }

void Door::open()
{
    DoorState &state = *state_;
    pjsip_endpoint *endpoint = pjsua_get_pjsip_endpt();
    pj_bzero(&module, sizeof(module));
    module.name = pj_str(const_cast<char *>("mod-callvane-door"));
    module.id = -1;
    module.priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 4;
    module.on_rx_request = &on_rx_request;
    module.on_tx_response = &on_tx_response;
    pjsip_endpt_register_module(endpoint, &module);
    pjsip_tpmgr *transports = pjsip_endpt_get_tpmgr(endpoint);
    state.before = pjsip_tpmgr_get_state_cb(transports);
    pjsip_tpmgr_set_state_cb(transports, &on_transport_state);
    pjsip_tpmgr_set_drop_data_cb(transports, &on_dropped);
    pjsip_endpt_set_ext_resolver(endpoint, &resolver);
    pj_activesock_set_accept_filter(&on_accept);
    pjsip_set_sdp_reader(&on_description);
    pjsip_set_message_filter(&on_message);
    the_door = &state;
}

void Door::sweep(double now)
{
    state_->counts.overdue += state_->connections.sweep(now, state_->counts.latest);
    state_->counts.starved += pj_activesock_resume_accepts();
}

double Door::held()
{
    state_->end_message(monotonic());
    double longest = state_->longest;
    state_->longest = 0;
    return longest;
}

DoorCounts Door::counts() const
{
    DoorCounts counts = state_->counts;
    counts.crowded += state_->connections.displaced();
    counts.unread = state_->connections.unread();
    return counts;
}

void Door::onRequest(DoorRequest &) {}

std::string Door::onDescription(const std::string &) { return std::string(); }

} // namespace callvane
