-- Callvane: calls the bridge once for each direction of a call. Arguments: the caller's channel, the bridge's address.
local uuid, bridge = argv[1], argv[2]
local api = freeswitch.API()

local function fork(leg, side)
  api:executeString(string.format(
    "bgapi originate {origination_caller_id_name=callvane,origination_caller_id_number=callvane,"
      .. "eavesdrop_enable_dtmf=false,%s=true,absolute_codec_string=PCMU,"
      .. "sip_h_X-Call-ID=%s,sip_h_X-Leg=%s}sofia/external/callvane@%s &eavesdrop(%s)",
    side, uuid, leg, bridge, uuid))
end

-- The caller is the customer. Where agents call out, swap the two words.
fork("customer", "eavesdrop_bridge_aleg")
fork("agent", "eavesdrop_bridge_bleg")
