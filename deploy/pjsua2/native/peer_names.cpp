#include "peer_names.hpp"

namespace callvane {

namespace {

/* Of more, the name heard first is forgotten. */
const size_t NAMES_REMEMBERED = 4096;

std::string text(const pj_str_t &from) { return std::string(from.ptr, from.slen > 0 ? (size_t)from.slen : 0); }

} // namespace

void PeerNames::note(pjsip_rx_data *rdata)
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

void PeerNames::note_name(const pj_str_t &name, const pjsip_rx_data *rdata)
{
    pj_in6_addr address;
    if (name.slen <= 0 || name.slen >= PJ_MAX_HOSTNAME || pj_inet_pton(pj_AF_INET(), &name, &address) == PJ_SUCCESS ||
        pj_inet_pton(pj_AF_INET6(), &name, &address) == PJ_SUCCESS)
        return;
    auto known = addresses_.emplace(text(name), rdata->pkt_info.src_addr);
    known.first->second = rdata->pkt_info.src_addr;
    if (!known.second)
        return;
    in_order_.push_back(known.first->first);
    if (in_order_.size() > NAMES_REMEMBERED) {
        addresses_.erase(in_order_.front());
        in_order_.pop_front();
    }
}

const pj_sockaddr *PeerNames::find(const pj_str_t &name) const
{
    auto known = addresses_.find(text(name));
    return known == addresses_.end() ? nullptr : &known->second;
}

void PeerNames::resolve(const pjsip_host_info &target, void *token, pjsip_resolver_callback *cb) const
{
    pjsip_transport_type_e type = target.type;
    if (type == PJSIP_TRANSPORT_UNSPECIFIED)
        type = target.flag & PJSIP_TRANSPORT_SECURE     ? PJSIP_TRANSPORT_TLS
               : target.flag & PJSIP_TRANSPORT_RELIABLE ? PJSIP_TRANSPORT_TCP
                                                        : PJSIP_TRANSPORT_UDP;
    int port = target.addr.port ? target.addr.port : pjsip_transport_get_default_port_for_type(type);
    pj_str_t host = target.addr.host;
    pjsip_server_addresses found;
    pj_bzero(&found, sizeof(found));
    pj_sockaddr &address = found.entry[0].addr;
    if (pj_sockaddr_init(pj_AF_INET(), &address, &host, (pj_uint16_t)port) != PJ_SUCCESS &&
        pj_sockaddr_init(pj_AF_INET6(), &address, &host, (pj_uint16_t)port) != PJ_SUCCESS) {
        const pj_sockaddr *known = find(host);
        if (!known) {
            (*cb)(PJ_ERESOLVE, token, nullptr);
            return;
        }
        pj_sockaddr_cp(&address, known);
        if (target.addr.port)
            pj_sockaddr_set_port(&address, (pj_uint16_t)target.addr.port);
    }
    bool is_v6 = address.addr.sa_family == pj_AF_INET6();
    found.count = 1;
    found.entry[0].type = (pjsip_transport_type_e)(is_v6 ? type | PJSIP_TRANSPORT_IPV6 : type & ~PJSIP_TRANSPORT_IPV6);
    found.entry[0].addr_len = (int)pj_sockaddr_get_len(&address);
    (*cb)(PJ_SUCCESS, token, &found);
}

} // namespace callvane
