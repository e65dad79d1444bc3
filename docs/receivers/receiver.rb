# Receives webhooks: gem install webrick
require "openssl"
require "webrick"

def signed?(secret, request)
  id = request["webhook-id"].to_s
  time = request["webhook-timestamp"].to_s
  return false if id.empty? || time !~ /\A[0-9]{1,12}\z/ || (Time.now.to_i - time.to_i).abs > 300

  key = secret.delete_prefix("whsec_").unpack1("m")
  signed = "#{id}.#{time}.".b + request.body.to_s.b
  expected = "v1,#{[OpenSSL::HMAC.digest('SHA256', key, signed)].pack('m0')}"
  request["webhook-signature"].to_s.split.any? { |given| OpenSSL.secure_compare(given, expected) }
end

def password?(password, request)
  OpenSSL.secure_compare(request["verification-signature"].to_s, password)
end

server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: ENV.fetch("PORT", "8000").to_i)
server.mount_proc "/" do |request, answer|
  valid = if request.path == "/signed"
            signed?(ENV.fetch("WEBHOOK_SECRET"), request)
          else
            password?(ENV.fetch("VERIFICATION_SIGNATURE"), request)
          end
  # Store the event here, then answer; act on it later.
  answer.status = valid ? 204 : 401
end
trap("TERM") { server.shutdown }
server.start
