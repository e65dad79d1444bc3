# Receives webhooks: gem install standardwebhooks webrick
require "openssl"
require "standardwebhooks"
require "webrick"

def signed?(webhook, request)
  headers = %w[webhook-id webhook-timestamp webhook-signature].to_h { |name| [name, request[name]] }
  webhook.verify(request.body.to_s, headers)
  true
rescue StandardError # also others than its own, for what is no signature at all
  false
end

def password?(password, request)
  OpenSSL.secure_compare(request["verification-signature"].to_s, password)
end

webhook = StandardWebhooks::Webhook.new(ENV.fetch("WEBHOOK_SECRET"))
server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: ENV.fetch("PORT", "8000").to_i)
server.mount_proc "/" do |request, answer|
  valid = if request.path == "/signed"
            signed?(webhook, request)
          else
            password?(ENV.fetch("VERIFICATION_SIGNATURE"), request)
          end
  # Store the event here, then answer; act on it later.
  answer.status = valid ? 204 : 401
end
trap("TERM") { server.shutdown }
server.start
