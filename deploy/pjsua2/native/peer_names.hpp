/* Where peers are reached that call themselves by a name: their messages have come from there. */
#pragma once

#include <deque>
#include <string>
#include <unordered_map>

#include <pjsip.h>

namespace callvane {

class PeerNames {
public:
    /* What later requests of ours, such as a BYE, would have to be resolved for. */
    void note(pjsip_rx_data *rdata);

    /* The address that the latest message of this name came from; null where there was none. */
    const pj_sockaddr *find(const pj_str_t &name) const;

    /* Answers the library's resolver, which would wait for name servers: addresses at once, names as they are known. */
    void resolve(const pjsip_host_info &target, void *token, pjsip_resolver_callback *cb) const;

private:
    void note_name(const pj_str_t &name, const pjsip_rx_data *rdata);

    std::unordered_map<std::string, pj_sockaddr> addresses_;
    std::deque<std::string> in_order_;
};

} // namespace callvane
